package saved

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"etcdsim/store"
	"etcdsim/store/bolt"
)

// Names of buckets, and of the items in them that are there once.
const (
	bucketAlarm   = "alarm"
	bucketAuth    = "auth"
	bucketRoles   = "authRoles"
	bucketUsers   = "authUsers"
	bucketCluster = "cluster"
	bucketKey     = "key"
	bucketLease   = "lease"
	bucketMembers = "members"
	bucketRemoved = "members_removed"
	bucketMeta    = "meta"

	itemAuthEnabled    = "authEnabled"
	itemAuthRevision   = "authRevision"
	itemClusterVersion = "clusterVersion"
	itemConfState      = "confState"
	itemIndex          = "consistent_index"
	itemFinished       = "finishedCompactRev"
	itemScheduled      = "scheduledCompactRev"
	itemStorageVersion = "storageVersion"
	itemTerm           = "term"
)

// buckets returns the database of a snapshot.
func (s *Snapshot) buckets() []bolt.Bucket {
	return []bolt.Bucket{
		{Name: bucketAlarm, Items: s.alarmItems()},
		{Name: bucketAuth, Items: []bolt.Item{
			{Key: itemAuthEnabled, Value: flag(s.Auth.Enabled)}, {Key: itemAuthRevision, Value: bigText(s.Auth.Revision)},
		}},
		{Name: bucketRoles, Items: items(s.Auth.Roles, func(r Role) (string, []byte) { return r.Name, appendRole(nil, r) })},
		{Name: bucketUsers, Items: items(s.Auth.Users, func(u User) (string, []byte) { return u.Name, appendUser(nil, u) })},
		{Name: bucketCluster, Items: []bolt.Item{{Key: itemClusterVersion, Value: store.StorageVersion}}},
		{Name: bucketKey, Items: s.recordItems()},
		{Name: bucketLease, Items: sorted(items(s.Leases, func(l Lease) (string, []byte) {
			return bigText(uint64(l.ID)), appendInt(appendInt(appendInt(nil, 1, l.ID), 2, l.TTL), 3, l.Remaining)
		}))},
		{Name: bucketMembers, Items: sorted(items(s.Members, func(m store.Member) (string, []byte) { return hexID(m.ID), memberText(m) }))},
		{Name: bucketRemoved, Items: sorted(items(s.Removed, func(id uint64) (string, []byte) { return hexID(id), []byte("removed") }))},
		{Name: bucketMeta, Items: s.metaItems()},
	}
}

// recordItems are the versions.
func (s *Snapshot) recordItems() []bolt.Item {
	return items(s.Versions, func(v Version) (string, []byte) {
		return string(AppendKey(nil, v.ModRevision, v.Sub, v.Version == 0)), AppendValue(nil, &v.KeyValue)
	})
}

// items makes an item of each element.
func items[E any](list []E, item func(E) (key string, value []byte)) []bolt.Item {
	made := make([]bolt.Item, len(list))
	for i, e := range list {
		key, value := item(e)
		made[i] = bolt.Item{Key: key, Value: string(value)}
	}
	return made
}

// sorted puts items into the order of their keys: IDs count as unsigned there, or
// are text.
func sorted(items []bolt.Item) []bolt.Item {
	slices.SortFunc(items, func(a, b bolt.Item) int { return strings.Compare(a.Key, b.Key) })
	return items
}

func bigText(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

func hexID(id uint64) string { return strconv.FormatUint(id, 16) }

func flag(on bool) string {
	if on {
		return "\x01"
	}
	return "\x00"
}

func (s *Snapshot) alarmItems() []bolt.Item {
	return sorted(items(s.Alarms, func(a store.Alarm) (string, []byte) {
		return string(appendInt(appendInt(nil, 1, int64(a.MemberID)), 2, int64(a.Type))), nil
	}))
}

// metaItems are in the order of their keys. A revision is kept as the key of a version.
func (s *Snapshot) metaItems() []bolt.Item {
	revision := func(rev int64) string { return string(AppendKey(nil, rev, 0, false)) }
	made := []bolt.Item{{Key: itemConfState, Value: s.confState()}, {Key: itemIndex, Value: bigText(s.Index)}}
	if s.Compacted >= 0 {
		made = append(made, bolt.Item{Key: itemFinished, Value: revision(s.Compacted)})
	}
	if rev := s.History(); rev >= 0 {
		made = append(made, bolt.Item{Key: itemScheduled, Value: revision(rev)})
	}
	return append(made, bolt.Item{Key: itemStorageVersion, Value: store.StorageVersion}, bolt.Item{Key: itemTerm, Value: bigText(s.Term)})
}

// confState is raft's configuration as JSON.
func (s *Snapshot) confState() string {
	var conf struct {
		Voters    []uint64 `json:"voters,omitempty"`
		Learners  []uint64 `json:"learners,omitempty"`
		AutoLeave bool     `json:"auto_leave"`
	}
	for _, m := range s.Members {
		if m.Learner {
			conf.Learners = append(conf.Learners, m.ID)
		} else {
			conf.Voters = append(conf.Voters, m.ID)
		}
	}
	return string(asJSON(conf))
}

func memberText(m store.Member) []byte {
	return asJSON(struct {
		ID         uint64   `json:"id"`
		PeerURLs   []string `json:"peerURLs"`
		Learner    bool     `json:"isLearner,omitempty"`
		Name       string   `json:"name,omitempty"`
		ClientURLs []string `json:"clientURLs,omitempty"`
	}{m.ID, m.PeerURLs, m.Learner, m.Name, m.ClientURLs})
}

func asJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("saved: %+v does not marshal: %v", v, err))
	}
	return text
}

func appendUser(buf []byte, u User) []byte {
	buf = appendText(appendText(buf, 1, u.Name), 2, u.Password)
	for _, role := range u.Roles {
		buf = appendText(buf, 3, role)
	}
	if u.NoPassword {
		return appendText(buf, 4, string(appendInt(nil, 1, 1)))
	}
	return append(buf, 4<<3|wireBytes, 0) // etcd always writes the options
}

func appendRole(buf []byte, r Role) []byte {
	buf = appendText(buf, 1, r.Name)
	for _, p := range r.Permissions {
		text := appendText(appendText(appendInt(nil, 1, int64(p.Type)), 2, p.Key), 3, p.RangeEnd)
		buf = store.AppendString(append(buf, 2<<3|wireBytes), string(text))
	}
	return buf
}
