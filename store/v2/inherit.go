package v2store

// Inherit lets the watchers of another store of the same member listen here: a
// store that was restored from another member's snapshot takes its place. As in
// etcd they hear of what comes from now on; what the snapshot was ahead is not
// told.
func (s *Store) Inherit(from *Store) {
	s.hub, from.hub = from.hub, hub{}
}
