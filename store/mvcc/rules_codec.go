package mvcc

import "etcdsim/store"

// append appends the rules to a snapshot:
//
//	whether there are any                                1 byte
//	whether authentication is on, auth revision          1 byte, integer
//	users: name, hash, no password, roles                list
//	roles: name, permissions                             list
//	tokens: text, user                                   list
//	alarms: type, member                                 list
func (r *rules) append(buf []byte) []byte {
	if r == nil {
		return append(buf, 0)
	}
	buf = store.AppendUint(append(buf, 1, asByte(r.enabled)), r.revision)
	buf = store.AppendUint(buf, uint64(len(r.users)))
	for i := range r.users {
		u := &r.users[i]
		buf = store.AppendString(store.AppendString(buf, u.name), u.hash)
		buf = store.AppendStrings(append(buf, asByte(u.noPassword)), u.roles)
	}
	buf = store.AppendUint(buf, uint64(len(r.roles)))
	for i := range r.roles {
		buf = store.AppendString(buf, r.roles[i].name)
		buf = store.AppendUint(buf, uint64(len(r.roles[i].perms)))
		for j := range r.roles[i].perms {
			buf = store.AppendPermission(buf, &r.roles[i].perms[j])
		}
	}
	buf = store.AppendUint(buf, uint64(len(r.tokens)))
	for _, t := range r.tokens {
		buf = store.AppendString(store.AppendString(buf, t.text), t.user)
	}
	buf = store.AppendUint(buf, uint64(len(r.alarms)))
	for _, a := range r.alarms {
		buf = store.AppendUint(store.AppendInt(buf, int64(a.Type)), a.MemberID)
	}
	return buf
}

// readRules reads what append wrote.
func readRules(rd *store.Reader) *rules {
	if rd.Byte() == 0 {
		return nil
	}
	r := &rules{enabled: rd.Byte() != 0, revision: rd.Uint()}
	for range rd.Count() {
		r.users = append(r.users, user{name: rd.String(), hash: rd.String(), noPassword: rd.Byte() != 0, roles: store.ReadStrings(rd)})
	}
	for range rd.Count() {
		one := role{name: rd.String()}
		for range rd.Count() {
			one.perms = append(one.perms, store.ReadPermission(rd))
		}
		r.roles = append(r.roles, one)
	}
	for range rd.Count() {
		r.tokens = append(r.tokens, token{rd.String(), rd.String()})
	}
	for range rd.Count() {
		r.alarms = append(r.alarms, store.Alarm{Type: store.AlarmType(rd.Int()), MemberID: rd.Uint()})
	}
	r.refresh()
	return r
}

func asByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
