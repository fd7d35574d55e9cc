package store

// The encoding of requests about users, roles and alarms.

// authTexts returns the strings of a request that consists of nothing else, in
// the order in which they are written.
func authTexts(req Request) []*string {
	switch req := req.(type) {
	case *AuthenticateRequest:
		return []*string{&req.Name, &req.Password, &req.TokenPrefix}
	case *UserDeleteRequest:
		return []*string{&req.Name}
	case *UserChangePasswordRequest:
		return []*string{&req.Name, &req.Password, &req.HashedPassword}
	case *UserGrantRoleRequest:
		return []*string{&req.User, &req.Role}
	case *UserRevokeRoleRequest:
		return []*string{&req.Name, &req.Role}
	case *UserGetRequest:
		return []*string{&req.Name}
	case *RoleAddRequest:
		return []*string{&req.Name}
	case *RoleDeleteRequest:
		return []*string{&req.Role}
	case *RoleGetRequest:
		return []*string{&req.Role}
	case *RoleRevokePermissionRequest:
		return []*string{&req.Role, &req.Key, &req.RangeEnd}
	}
	return nil
}

func appendAuthFields(buf []byte, req Request) []byte {
	switch req := req.(type) {
	case *UserAddRequest:
		buf = AppendString(append(buf, flags(req.NoPassword)), req.Name)
		return AppendString(AppendString(buf, req.Password), req.HashedPassword)
	case *RoleGrantPermissionRequest:
		buf = AppendString(append(buf, flags(req.Perm != nil)), req.Name)
		if req.Perm != nil {
			buf = AppendPermission(buf, req.Perm)
		}
		return buf
	case *AlarmRequest:
		buf = AppendInt(AppendInt(buf, int64(req.Action)), int64(req.Alarm.Type))
		return AppendUint(buf, req.Alarm.MemberID)
	}
	for _, text := range authTexts(req) {
		buf = AppendString(buf, *text)
	}
	return buf
}

// newAuthRequest returns an empty request of a kind, or nil if it is of another
// family.
func newAuthRequest(kind byte) Request {
	switch kind {
	case kindAuthEnable:
		return new(AuthEnableRequest)
	case kindAuthDisable:
		return new(AuthDisableRequest)
	case kindAuthStatus:
		return new(AuthStatusRequest)
	case kindAuthenticate:
		return new(AuthenticateRequest)
	case kindUserAdd:
		return new(UserAddRequest)
	case kindUserDelete:
		return new(UserDeleteRequest)
	case kindUserChangePassword:
		return new(UserChangePasswordRequest)
	case kindUserGrantRole:
		return new(UserGrantRoleRequest)
	case kindUserRevokeRole:
		return new(UserRevokeRoleRequest)
	case kindUserGet:
		return new(UserGetRequest)
	case kindUserList:
		return new(UserListRequest)
	case kindRoleAdd:
		return new(RoleAddRequest)
	case kindRoleDelete:
		return new(RoleDeleteRequest)
	case kindRoleGet:
		return new(RoleGetRequest)
	case kindRoleList:
		return new(RoleListRequest)
	case kindRoleGrantPermission:
		return new(RoleGrantPermissionRequest)
	case kindRoleRevokePermission:
		return new(RoleRevokePermissionRequest)
	case kindAlarm:
		return new(AlarmRequest)
	}
	return nil
}

func readAuthFields(r *Reader, kind byte) Request {
	req := newAuthRequest(kind)
	switch req := req.(type) {
	case *UserAddRequest:
		req.NoPassword = readFlags(r, 1)&1 != 0
		req.Name, req.Password, req.HashedPassword = r.String(), r.String(), r.String()
	case *RoleGrantPermissionRequest:
		given := readFlags(r, 1)&1 != 0
		if req.Name = r.String(); given {
			perm := ReadPermission(r)
			req.Perm = &perm
		}
	case *AlarmRequest:
		req.Action, req.Alarm.Type = AlarmAction(readInt32(r)), AlarmType(readInt32(r))
		req.Alarm.MemberID = r.Uint()
	}
	for _, text := range authTexts(req) {
		*text = r.String()
	}
	return req
}

func kindOfAuth(req Request) byte {
	switch req.(type) {
	case *AuthEnableRequest:
		return kindAuthEnable
	case *AuthDisableRequest:
		return kindAuthDisable
	case *AuthStatusRequest:
		return kindAuthStatus
	case *AuthenticateRequest:
		return kindAuthenticate
	case *UserAddRequest:
		return kindUserAdd
	case *UserDeleteRequest:
		return kindUserDelete
	case *UserChangePasswordRequest:
		return kindUserChangePassword
	case *UserGrantRoleRequest:
		return kindUserGrantRole
	case *UserRevokeRoleRequest:
		return kindUserRevokeRole
	case *UserGetRequest:
		return kindUserGet
	case *UserListRequest:
		return kindUserList
	case *RoleAddRequest:
		return kindRoleAdd
	case *RoleDeleteRequest:
		return kindRoleDelete
	case *RoleGetRequest:
		return kindRoleGet
	case *RoleListRequest:
		return kindRoleList
	case *RoleGrantPermissionRequest:
		return kindRoleGrantPermission
	case *RoleRevokePermissionRequest:
		return kindRoleRevokePermission
	case *AlarmRequest:
		return kindAlarm
	}
	return kindNone
}

// AppendPermission appends a permission to buf.
func AppendPermission(buf []byte, p *Permission) []byte {
	return AppendString(AppendString(AppendInt(buf, int64(p.Type)), p.Key), p.RangeEnd)
}

// ReadPermission reads what AppendPermission wrote.
func ReadPermission(r *Reader) Permission {
	return Permission{Type: PermissionType(readInt32(r)), Key: r.String(), RangeEnd: r.String()}
}

// AppendStrings appends a list of strings to buf.
func AppendStrings(buf []byte, texts []string) []byte { return appendStrings(buf, texts) }

// ReadStrings reads what AppendStrings wrote.
func ReadStrings(r *Reader) []string { return readStrings(r) }

// mixAuth folds an answer about users, roles or alarms into a hash.
func mixAuth(h uint64, result Result) uint64 {
	switch res := result.(type) {
	case *AuthResult:
		return Mix(h, uint64(kindAuthEnable))
	case *AuthStatusResult:
		return mixWords(h, uint64(kindAuthStatus), bit(res.Enabled), res.Revision)
	case *AuthenticateResult:
		return MixString(Mix(h, uint64(kindAuthenticate)), res.Token)
	case *UserGetResult:
		return mixStrings(Mix(h, uint64(kindUserGet)), res.Roles)
	case *UserListResult:
		return mixStrings(Mix(h, uint64(kindUserList)), res.Users)
	case *RoleGetResult:
		h = mixWords(h, uint64(kindRoleGet), uint64(len(res.Perms)))
		for _, p := range res.Perms {
			h = MixString(MixString(Mix(h, uint64(p.Type)), p.Key), p.RangeEnd)
		}
		return h
	case *RoleListResult:
		return mixStrings(Mix(h, uint64(kindRoleList)), res.Roles)
	case *AlarmResult:
		h = mixWords(h, uint64(kindAlarm), uint64(len(res.Alarms)))
		for _, a := range res.Alarms {
			h = mixWords(h, a.MemberID, uint64(a.Type))
		}
		return h
	}
	return h
}

func mixStrings(h uint64, texts []string) uint64 {
	h = Mix(h, uint64(len(texts)))
	for _, s := range texts {
		h = MixString(h, s)
	}
	return h
}
