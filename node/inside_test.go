package node

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/raft/v3"
)

// TestRaftFields fails when an upgrade of raft moves what inside.go reaches; the
// release notes then say whether the timeouts are still drawn in the same three places.
func TestRaftFields(t *testing.T) {
	if fields.err != nil {
		t.Fatal(fields.err)
	}
}

// TestRaftFieldsMoved proves that the check above can fail, for each field.
func TestRaftFieldsMoved(t *testing.T) {
	if err := findRaftFields(reflect.TypeFor[struct{ core *int }]()).err; err == nil || !strings.Contains(err.Error(), `no field "raft"`) {
		t.Errorf("without raft: got error %v", err)
	}
	node := reflect.TypeFor[raft.RawNode]()
	inner, _ := node.FieldByName("raft")
	log, _ := inner.Type.Elem().FieldByName("raftLog")
	around := func(r reflect.Type) reflect.Type { return replaced(node, "raft", reflect.PointerTo(r)) }
	for _, name := range []string{
		"Term", "Vote", "lead", "state", "randomizedElectionTimeout", "electionElapsed", "msgs", "msgsAfterAppend", "readStates", "raftLog",
	} {
		expectMoved(t, name, around(replaced(inner.Type.Elem(), name, reflect.TypeFor[int8]())))
		expectMoved(t, name, around(replaced(inner.Type.Elem(), name, nil)))
	}
	withLog := func(l reflect.Type) reflect.Type {
		return around(replaced(inner.Type.Elem(), "raftLog", reflect.PointerTo(l)))
	}
	for _, name := range []string{"committed", "applying", "unstable"} {
		expectMoved(t, name, withLog(replaced(log.Type.Elem(), name, reflect.TypeFor[int8]())))
	}
	unstable, _ := log.Type.Elem().FieldByName("unstable")
	for _, name := range []string{"entries", "offset", "offsetInProgress", "snapshot"} {
		other := replaced(unstable.Type, name, reflect.TypeFor[int8]())
		expectMoved(t, name, withLog(replaced(log.Type.Elem(), "unstable", other)))
	}
	expectMoved(t, "prevHardSt", replaced(node, "prevHardSt", reflect.TypeFor[int8]()))
}

// expectMoved fails unless the check names a field.
func expectMoved(t *testing.T, name string, node reflect.Type) {
	t.Helper()
	if err := findRaftFields(node).err; err == nil || !strings.Contains(err.Error(), "\""+name+"\"") {
		t.Errorf("%s: got error %v, want one that names the field", name, err)
	}
}

// replaced returns a struct like the given one, in which a field has another type, or
// without it.
func replaced(of reflect.Type, name string, by reflect.Type) reflect.Type {
	all := reflect.VisibleFields(of)
	i := slices.IndexFunc(all, func(f reflect.StructField) bool { return f.Name == name })
	if all[i].Type = by; by == nil {
		all = slices.Delete(all, i, i+1)
	}
	return reflect.StructOf(all)
}
