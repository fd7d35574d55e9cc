package v2store

import "strconv"

// Stats counts what a store has done, as /v2/stats/store shows it. All but Gets
// and Watchers follow from the log and are the same on every member.
type Stats struct {
	Gets, Sets, Deletes, Updates, Creates Tally
	CompareAndSwaps, CompareAndDeletes    Tally
	// Expired counts nodes that expired, not those that went with a directory.
	Expired uint64
	// Watchers listen now.
	Watchers uint64
}

// Tally counts operations of one kind by their outcome.
type Tally struct{ Success, Fail uint64 }

func (t *Tally) count(success bool) {
	if success {
		t.Success++
	} else {
		t.Fail++
	}
}

// Stats returns the counters.
func (s *Store) Stats() Stats {
	st := s.stats
	st.Watchers = uint64(s.hub.count)
	return st
}

// AppendJSON appends the counters as etcd shows them.
func (st Stats) AppendJSON(b []byte) []byte {
	for i, f := range []struct {
		name  string
		value uint64
	}{
		{"getsSuccess", st.Gets.Success},
		{"getsFail", st.Gets.Fail},
		{"setsSuccess", st.Sets.Success},
		{"setsFail", st.Sets.Fail},
		{"deleteSuccess", st.Deletes.Success},
		{"deleteFail", st.Deletes.Fail},
		{"updateSuccess", st.Updates.Success},
		{"updateFail", st.Updates.Fail},
		{"createSuccess", st.Creates.Success},
		{"createFail", st.Creates.Fail},
		{"compareAndSwapSuccess", st.CompareAndSwaps.Success},
		{"compareAndSwapFail", st.CompareAndSwaps.Fail},
		{"compareAndDeleteSuccess", st.CompareAndDeletes.Success},
		{"compareAndDeleteFail", st.CompareAndDeletes.Fail},
		{"expireCount", st.Expired},
		{"watchers", st.Watchers},
	} {
		b = append(b, "{,"[min(i, 1)])
		b = append(b, '"')
		b = append(b, f.name...)
		b = append(b, '"', ':')
		b = strconv.AppendUint(b, f.value, 10)
	}
	return append(b, '}')
}
