package vitals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"etcdsim/sim/cluster"
	"etcdsim/sim/live"
	"etcdsim/store"
)

// Member is whom these pages are about.
type Member struct {
	Driver *live.Driver
	ID     uint64
	// Patience is how long a check waits for the members; etcd's request timeout.
	Patience time.Duration
	Counters *Counters
}

// clusterVersion is that on which the members agree.
const clusterVersion = "3.7.0"

// Register adds the pages of a member to a mux.
func Register(mux *http.ServeMux, m Member) {
	mux.Handle("/version", getOnly(version))
	mux.Handle("/metrics", getOnly(m.metrics))
	mux.Handle("/health", getOnly(m.health))
	m.register(mux, "/livez", livez)
	m.register(mux, "/readyz", readyz)
}

// getOnly refuses what is not a GET.
func getOnly(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
			return
		}
		serve(w, r)
	}
}

func version(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"etcdserver":%q,"etcdcluster":%q,"storage":%q}`, store.ServerVersion, clusterVersion, store.StorageVersion)
}

// health serves /health: no alarm, a leader, and a read that succeeds.
func (m Member) health(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	reason := m.ailment(r.Context(), query["exclude"], query.Get("serializable") == "true")
	told, _ := json.Marshal(struct {
		Health string `json:"health"`
		Reason string `json:"reason"`
	}{fmt.Sprint(reason == ""), reason})
	if reason != "" {
		http.Error(w, string(told), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write(told)
}

// ailment returns why the member is not healthy, or "".
func (m Member) ailment(ctx context.Context, exclude []string, serializable bool) string {
	var leader uint64
	var alarms []store.Alarm
	err := m.Driver.Inspect(ctx, func(c *cluster.Cluster) {
		leader = c.Member(m.ID).Leader
		if n := c.Node(m.ID); n != nil {
			alarms = slices.Clone(n.Store().Alarms())
		}
	})
	if err != nil {
		return err.Error()
	}
	for _, a := range alarms {
		if !slices.Contains(exclude, a.Type.String()) {
			return "ALARM " + a.Type.String()
		}
	}
	if leader == 0 && !serializable {
		return "RAFT NO LEADER"
	}
	if err := m.read(ctx, serializable); err != nil {
		return "RANGE ERROR:" + err.Error()
	}
	return ""
}

// read reads a key of the member.
func (m Member) read(ctx context.Context, serializable bool) error {
	ctx, cancel := context.WithTimeout(ctx, m.Patience)
	defer cancel()
	r := &store.RangeRequest{Key: "\x00", KeysOnly: true, Limit: 1, Serializable: serializable}
	a, err := m.Driver.Call(ctx, m.ID, store.Credential{}, r)
	switch {
	case err != nil:
		return err
	case a.Err == nil, a.Err == store.ErrUserEmpty: // it came to the point where it would be read
		return nil
	}
	return a.Err
}

// check is one of the checks of /livez and /readyz.
type check struct {
	name string
	run  func(m Member, ctx context.Context) error
}

var (
	errCorrupt = errors.New("alarm activated: CORRUPT")
	errLearner = errors.New("not supported for learner")
)

var (
	localRead = check{"serializable_read", func(m Member, ctx context.Context) error { return m.read(ctx, true) }}
	livez     = []check{localRead}
	readyz    = []check{
		{"data_corruption", Member.uncorrupted},
		localRead,
		{"linearizable_read", func(m Member, ctx context.Context) error { return m.read(ctx, false) }},
		{"non_learner", Member.votes},
	}
)

func (m Member) uncorrupted(ctx context.Context) (found error) {
	err := m.Driver.Inspect(ctx, func(c *cluster.Cluster) {
		n := c.Node(m.ID)
		if n != nil && slices.ContainsFunc(n.Store().Alarms(), func(a store.Alarm) bool { return a.Type == store.AlarmCorrupt }) {
			found = errCorrupt
		}
	})
	return errors.Join(err, found)
}

func (m Member) votes(ctx context.Context) (found error) {
	err := m.Driver.Inspect(ctx, func(c *cluster.Cluster) {
		if c.Member(m.ID).Learner {
			found = errLearner
		}
	})
	return errors.Join(err, found)
}

// register adds a page for some checks together, and one for each.
func (m Member) register(mux *http.ServeMux, path string, checks []check) {
	mux.Handle(path, getOnly(func(w http.ResponseWriter, r *http.Request) {
		excluded := r.URL.Query()["exclude"]
		m.examine(w, r, slices.DeleteFunc(slices.Clone(checks), func(c check) bool { return slices.Contains(excluded, c.name) }))
	}))
	for _, c := range checks {
		mux.Handle(path+"/"+c.name, getOnly(func(w http.ResponseWriter, r *http.Request) { m.examine(w, r, []check{c}) }))
	}
}

// examine runs checks and tells what came of them.
func (m Member) examine(w http.ResponseWriter, r *http.Request, checks []check) {
	var told strings.Builder
	failed := false
	for _, c := range checks {
		if err := c.run(m, r.Context()); err != nil {
			failed = true
			fmt.Fprintf(&told, "[-]%s failed: %v\n", c.name, err)
		} else {
			fmt.Fprintf(&told, "[+]%s ok\n", c.name)
		}
	}
	if failed {
		http.Error(w, told.String(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.URL.Query().Has("verbose") {
		_, _ = w.Write([]byte(told.String()))
	}
	_, _ = w.Write([]byte("ok\n"))
}
