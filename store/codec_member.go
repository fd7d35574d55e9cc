package store

// The encoding of members and of requests about them.

func appendMemberFields(buf []byte, req Request) []byte {
	switch req := req.(type) {
	case *MemberListRequest:
		return append(buf, flags(req.Linearizable))
	case *MemberAddRequest:
		return appendStrings(append(buf, flags(req.Learner)), req.PeerURLs)
	case *MemberRemoveRequest:
		return AppendUint(buf, req.ID)
	case *MemberUpdateRequest:
		return appendStrings(AppendUint(buf, req.ID), req.PeerURLs)
	case *MemberPromoteRequest:
		return AppendUint(buf, req.ID)
	case *MemberPublishRequest:
		return appendStrings(AppendString(AppendUint(buf, req.ID), req.Name), req.ClientURLs)
	case *MoveLeaderRequest:
		return AppendUint(buf, req.Target)
	}
	return buf
}

// readMemberFields reads a request about members; it returns nil if the kind is
// of another request.
func readMemberFields(r *Reader, kind byte) Request {
	switch kind {
	case kindMemberList:
		return &MemberListRequest{Linearizable: readFlags(r, 1)&1 != 0}
	case kindMemberAdd:
		return &MemberAddRequest{Learner: readFlags(r, 1)&1 != 0, PeerURLs: readStrings(r)}
	case kindMemberRemove:
		return &MemberRemoveRequest{ID: r.Uint()}
	case kindMemberUpdate:
		return &MemberUpdateRequest{ID: r.Uint(), PeerURLs: readStrings(r)}
	case kindMemberPromote:
		return &MemberPromoteRequest{ID: r.Uint()}
	case kindMemberPublish:
		return &MemberPublishRequest{ID: r.Uint(), Name: r.String(), ClientURLs: readStrings(r)}
	case kindMoveLeader:
		return &MoveLeaderRequest{Target: r.Uint()}
	}
	return nil
}

func appendMember(buf []byte, m *Member) []byte {
	buf = AppendUint(append(buf, flags(m.Learner)), m.ID)
	buf = AppendString(buf, m.Name)
	return appendStrings(appendStrings(buf, m.ClientURLs), m.PeerURLs)
}

// AppendMembers appends a list of members to buf.
func AppendMembers(buf []byte, members []Member) []byte {
	buf = AppendUint(buf, uint64(len(members)))
	for i := range members {
		buf = appendMember(buf, &members[i])
	}
	return buf
}

// ReadMembers reads what AppendMembers wrote.
func ReadMembers(r *Reader) []Member {
	n := r.Count()
	if n == 0 {
		return nil
	}
	members := make([]Member, n)
	for i := range members {
		members[i] = Member{Learner: readFlags(r, 1)&1 != 0, ID: r.Uint(), Name: r.String(), ClientURLs: readStrings(r), PeerURLs: readStrings(r)}
	}
	return members
}

func appendStrings(buf []byte, texts []string) []byte {
	buf = AppendUint(buf, uint64(len(texts)))
	for _, s := range texts {
		buf = AppendString(buf, s)
	}
	return buf
}

func readStrings(r *Reader) []string {
	n := r.Count()
	if n == 0 {
		return nil
	}
	texts := make([]string, n)
	for i := range texts {
		texts[i] = r.String()
	}
	return texts
}
