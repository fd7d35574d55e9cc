package conformance

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A Corpus names a recording.
type Corpus struct {
	file string
	// variable of the environment that names another file.
	variable string
}

// The recordings. That of V3 was made over gRPC, and Parse reads it; those of the
// older APIs were made over HTTP, and ParseOlder reads them.
var (
	V3 = Corpus{"corpus.jsonl", "CONFORMANCE_CORPUS"}
	V2 = Corpus{"corpus-v2.jsonl", "CONFORMANCE_CORPUS_V2"}
	V1 = Corpus{"corpus-v1.jsonl", "CONFORMANCE_CORPUS_V1"}
)

// Read returns the file. It lies in shared/conformance beside the project, and where it
// does not the test is skipped; or the environment names another, which must be there.
func (c Corpus) Read(t testing.TB) []byte {
	t.Helper()
	path := os.Getenv(c.variable)
	named := path != ""
	if !named {
		path = filepath.Join(project(t), "..", "shared", "conformance", c.file)
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		t.Skipf("no recording to compare with: %v (%s names another one)", err, c.variable)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(data) == 0 {
		t.Fatalf("%s is empty", path)
	}
	return data
}

// project returns the folder of the module that is tested.
func project(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		above := filepath.Dir(folder)
		if above == folder {
			t.Fatal("no go.mod above the folder of the test")
		}
		folder = above
	}
}

// Records reads the recording of V3.
func Records(t testing.TB) []Record {
	t.Helper()
	records, err := Parse(V3.Read(t))
	if err != nil {
		t.Fatalf("%s: %v", V3.file, err)
	}
	return records
}

// OlderRecords reads the recording of V2 or V1.
func OlderRecords(t testing.TB, c Corpus) []OlderRecord {
	t.Helper()
	records, err := ParseOlder(c.Read(t))
	if err != nil {
		t.Fatalf("%s: %v", c.file, err)
	}
	return records
}
