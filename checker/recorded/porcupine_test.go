package recorded

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"etcdsim/checker"
)

// testData returns a folder of porcupine's test data, which the module cache holds.
func testData(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/anishathalye/porcupine").Output()
	if err != nil {
		t.Fatalf("where is porcupine? %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "test_data", name)
}

// linearizable are the logs of Jepsen's tests of etcd that porcupine's own tests call
// linearizable (porcupine_test.go, TestEtcdJepsen000 to 102); all others are not.
var linearizable = []int{
	2, 5, 7, 18, 25, 31, 38, 45, 48, 49, 51, 53, 56, 67, 75, 76, 80, 87, 92, 98, 100, 101, 102,
}

func TestAgreesWithPorcupinesVerdicts(t *testing.T) {
	folder := testData(t, "jepsen")
	judged := 0
	for i := range 103 {
		name := fmt.Sprintf("etcd_%03d.log", i)
		data, err := os.ReadFile(filepath.Join(folder, name))
		if len(data) == 0 || err != nil {
			continue // one is empty
		}
		f, err := Judge(name, data, Detect)
		if err != nil {
			t.Error(err)
			continue
		}
		want := checker.Violated
		if slices.Contains(linearizable, i) {
			want = checker.Pass
		}
		if f.Verdict != want || f.Format != Porcupine || f.Operations == 0 {
			t.Errorf("%s: %v of %d operations, want %v", name, f.Verdict, f.Operations, want)
		}
		if f.Verdict == checker.Violated && (len(f.Evidence) == 0 || f.Why == "") {
			t.Errorf("%s: a violation without evidence", name)
		}
		judged++
	}
	if judged != 102 {
		t.Errorf("%d logs were judged, want 102", judged)
	}
}

func TestAgreesOnMapsOfStrings(t *testing.T) {
	folder := testData(t, "kv")
	for name, want := range map[string]checker.Verdict{
		"c01-ok.txt": checker.Pass, "c01-bad.txt": checker.Violated,
		"c10-ok.txt": checker.Pass, "c10-bad.txt": checker.Violated,
		"c50-ok.txt": checker.Pass, "c50-bad.txt": checker.Violated,
	} {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if f, err := Judge(name, data, Detect); err != nil || f.Verdict != want {
			t.Errorf("%s: %v %+v, want %v", name, err, f, want)
		}
	}
}
