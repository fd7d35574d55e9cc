package sweep

import (
	"fmt"
	"strconv"
	"strings"
)

// Shard is a part of a sweep, the I-th of Of, from 1: every Of-th run. The zero
// value is the whole.
type Shard struct {
	I  uint64 `json:"i"`
	Of uint64 `json:"of"`
}

// maxShards bounds the number of shards, so that a slip of the keyboard is told.
const maxShards = 1_000_000

// owns reports whether the n-th run belongs to the shard.
func (s Shard) owns(n uint64) bool { return s.Of == 0 || n%s.Of == s.I-1 }

// Part is how many of the first n runs belong to the shard.
func (s Shard) Part(n uint64) uint64 {
	if s.Of == 0 {
		return n
	}
	part := n / s.Of
	if n%s.Of >= s.I {
		part++
	}
	return part
}

// String prints the shard as ParseShard reads it.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.I, s.Of) }

// ParseShard reads "2/3". The word "env" takes the shard from the environment,
// where systems that start a job many times say which one it is.
func ParseShard(text string, getenv func(string) string) (Shard, error) {
	if text == "env" {
		return shardFromEnvironment(getenv)
	}
	i, of, ok := strings.Cut(text, "/")
	s, err := newShard(i, of, 0)
	if !ok || err != nil {
		return Shard{}, fmt.Errorf("%q is not a shard: expected a form such as 2/3, or env", text)
	}
	return s, nil
}

// newShard makes a shard of two numbers in text form, the first of which counts
// from 1 less the offset.
func newShard(i, of string, offset uint64) (Shard, error) {
	a, err1 := strconv.ParseUint(i, 10, 32)
	b, err2 := strconv.ParseUint(of, 10, 32)
	a += offset
	if err1 != nil || err2 != nil || a < 1 || b < a || b > maxShards {
		return Shard{}, fmt.Errorf("%s of %s", i, of)
	}
	return Shard{a, b}, nil
}

// environments are the variables of systems that run a job many times.
var environments = []struct {
	system    string
	index, of string
	// offset makes the index count from 1.
	offset uint64
}{
	// https://kubernetes.io/docs/tasks/job/indexed-parallel-processing-static/: the
	// number of completions is not in the environment, so the manifest repeats it.
	{"Kubernetes Indexed Job", "JOB_COMPLETION_INDEX", "ETCDSIM_SHARDS", 1},
	{"any", "ETCDSIM_SHARD", "ETCDSIM_SHARDS", 0},
	// https://docs.gitlab.com/ci/variables/predefined_variables/
	{"GitLab CI", "CI_NODE_INDEX", "CI_NODE_TOTAL", 0},
	// https://circleci.com/docs/reference/variables/
	{"CircleCI", "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 1},
	// https://buildkite.com/docs/pipelines/configure/environment-variables
	{"Buildkite", "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 1},
}

func shardFromEnvironment(getenv func(string) string) (Shard, error) {
	var known []string
	for _, e := range environments {
		index := getenv(e.index)
		if index == "" {
			known = append(known, e.index)
			continue
		}
		s, err := newShard(index, getenv(e.of), e.offset)
		if err != nil {
			return Shard{}, fmt.Errorf("env: %s=%q and %s=%q: expected a number and how many there are (%s)",
				e.index, index, e.of, getenv(e.of), e.system)
		}
		return s, nil
	}
	return Shard{}, fmt.Errorf("env: the environment names no shard: expected one of %s", strings.Join(known, ", "))
}
