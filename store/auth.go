package store

// Users, roles and the rights of roles, as in etcd: a user has roles, a role has
// permissions on key ranges. The user and the role "root" may do everything.
// Changes go through the log; each advances the auth revision, and a request
// that was taken in under an older one is refused when it is applied (etcd #5739).

// Root is the name of the user who may do everything, and of the role that allows it.
const Root = "root"

// Requests about authentication.
type (
	// AuthEnableRequest switches authentication on. The user root must exist and
	// have the role root.
	AuthEnableRequest struct{}
	// AuthDisableRequest switches it off and forgets all tokens.
	AuthDisableRequest struct{}
	// AuthStatusRequest asks whether it is on.
	AuthStatusRequest struct{}
	// AuthenticateRequest asks for a token. Before it is proposed, the member that
	// takes it in checks the password, removes it, and draws the token's prefix; none
	// for a token that says itself who asks (see Claims).
	AuthenticateRequest struct{ Name, Password, TokenPrefix string }
)

// Requests about users.
type (
	// UserAddRequest adds a user. Before it is proposed, the member that takes it
	// in replaces the password by its hash.
	UserAddRequest struct {
		Name, Password, HashedPassword string
		// NoPassword adds a user who cannot get a token by a password.
		NoPassword bool
	}
	// UserDeleteRequest deletes a user.
	UserDeleteRequest struct{ Name string }
	// UserChangePasswordRequest sets a password; see UserAddRequest.
	UserChangePasswordRequest struct{ Name, Password, HashedPassword string }
	// UserGrantRoleRequest gives a user a role.
	UserGrantRoleRequest struct{ User, Role string }
	// UserRevokeRoleRequest takes it away.
	UserRevokeRoleRequest struct{ Name, Role string }
	// UserGetRequest asks for a user's roles.
	UserGetRequest struct{ Name string }
	// UserListRequest asks for all users.
	UserListRequest struct{}
)

// Requests about roles.
type (
	// RoleAddRequest adds a role.
	RoleAddRequest struct{ Name string }
	// RoleDeleteRequest deletes a role and takes it away from all users.
	RoleDeleteRequest struct{ Role string }
	// RoleGetRequest asks for a role's permissions.
	RoleGetRequest struct{ Role string }
	// RoleListRequest asks for all roles.
	RoleListRequest struct{}
	// RoleGrantPermissionRequest gives a role a permission, or changes the type of
	// the one it has on exactly this range.
	RoleGrantPermissionRequest struct {
		Name string
		// Perm must be given.
		Perm *Permission
	}
	// RoleRevokePermissionRequest takes away the permission on exactly this range.
	RoleRevokePermissionRequest struct{ Role, Key, RangeEnd string }
)

// PermissionType says what a permission allows; the values are etcd's.
type PermissionType int32

// Types of permissions.
const (
	PermitRead PermissionType = iota
	PermitWrite
	PermitReadWrite
)

// Permission is a right on a key range.
type Permission struct {
	Type          PermissionType
	Key, RangeEnd string
}

// Answers to these requests. Those without content share AuthResult.
type (
	// AuthResult says that it was done.
	AuthResult struct{}
	// AuthStatusResult answers an AuthStatusRequest.
	AuthStatusResult struct {
		Enabled bool
		// Revision is the auth revision; that of a new cluster is 1.
		Revision uint64
	}
	// AuthenticateResult answers an AuthenticateRequest.
	AuthenticateResult struct{ Token string }
	// UserGetResult answers a UserGetRequest; sorted.
	UserGetResult struct{ Roles []string }
	// UserListResult answers a UserListRequest; sorted.
	UserListResult struct{ Users []string }
	// RoleGetResult answers a RoleGetRequest; sorted by key.
	RoleGetResult struct{ Perms []Permission }
	// RoleListResult answers a RoleListRequest; sorted.
	RoleListResult struct{ Roles []string }
)

// AlarmType is what an alarm is about; the values are etcd's.
type AlarmType int32

// Types of alarms.
const (
	// AlarmNone in a request means every type.
	AlarmNone AlarmType = iota
	// AlarmNoSpace: the member's data reached its quota. While any member has this
	// alarm, nothing that takes space is accepted.
	AlarmNoSpace
	// AlarmCorrupt: the member's data differs from that of others. While any member
	// has this alarm, no key is read or written.
	AlarmCorrupt
)

// AlarmAction is what an AlarmRequest wants; the values are etcd's.
type AlarmAction int32

// Actions on alarms.
const (
	AlarmGet AlarmAction = iota
	AlarmActivate
	AlarmDeactivate
)

// Alarm is a fault of one member that concerns all.
type Alarm struct {
	MemberID uint64
	Type     AlarmType
}

// AlarmRequest asks for alarms, raises one or disarms it.
type AlarmRequest struct {
	Action AlarmAction
	Alarm  Alarm
}

// AlarmResult answers an AlarmRequest with the alarms concerned, sorted by type
// and member.
type AlarmResult struct{ Alarms []Alarm }

func (*AuthEnableRequest) isRequest()           {}
func (*AuthDisableRequest) isRequest()          {}
func (*AuthStatusRequest) isRequest()           {}
func (*AuthenticateRequest) isRequest()         {}
func (*UserAddRequest) isRequest()              {}
func (*UserDeleteRequest) isRequest()           {}
func (*UserChangePasswordRequest) isRequest()   {}
func (*UserGrantRoleRequest) isRequest()        {}
func (*UserRevokeRoleRequest) isRequest()       {}
func (*UserGetRequest) isRequest()              {}
func (*UserListRequest) isRequest()             {}
func (*RoleAddRequest) isRequest()              {}
func (*RoleDeleteRequest) isRequest()           {}
func (*RoleGetRequest) isRequest()              {}
func (*RoleListRequest) isRequest()             {}
func (*RoleGrantPermissionRequest) isRequest()  {}
func (*RoleRevokePermissionRequest) isRequest() {}
func (*AlarmRequest) isRequest()                {}

func (*AuthResult) isResult()         {}
func (*AuthStatusResult) isResult()   {}
func (*AuthenticateResult) isResult() {}
func (*UserGetResult) isResult()      {}
func (*UserListResult) isResult()     {}
func (*RoleGetResult) isResult()      {}
func (*RoleListResult) isResult()     {}
func (*AlarmResult) isResult()        {}

// String returns etcd's name of the type.
func (t PermissionType) String() string { return name(int(t), "read", "write", "readwrite") }

// String returns etcd's name of the type.
func (t AlarmType) String() string { return name(int(t), "NONE", "NOSPACE", "CORRUPT") }

// String returns etcd's name of the action.
func (a AlarmAction) String() string { return name(int(a), "get", "activate", "deactivate") }

// Refusals about users, roles and rights.
var (
	ErrRootUserNotExist     = &Error{FailedPrecondition, "etcdserver: root user does not exist"}
	ErrRootRoleNotExist     = &Error{FailedPrecondition, "etcdserver: root user does not have root role"}
	ErrUserAlreadyExist     = &Error{FailedPrecondition, "etcdserver: user name already exists"}
	ErrUserEmpty            = &Error{InvalidArgument, "etcdserver: user name is empty"}
	ErrUserNotFound         = &Error{FailedPrecondition, "etcdserver: user name not found"}
	ErrRoleAlreadyExist     = &Error{FailedPrecondition, "etcdserver: role name already exists"}
	ErrRoleNotFound         = &Error{FailedPrecondition, "etcdserver: role name not found"}
	ErrRoleEmpty            = &Error{InvalidArgument, "etcdserver: role name is empty"}
	ErrAuthFailed           = &Error{InvalidArgument, "etcdserver: authentication failed, invalid user ID or password"}
	ErrNoPasswordUser       = &Error{Unknown, "auth: authentication failed, password was given for no password user"}
	ErrPermissionNotGiven   = &Error{InvalidArgument, "etcdserver: permission not given"}
	ErrPermissionDenied     = &Error{PermissionDenied, "etcdserver: permission denied"}
	ErrRoleNotGranted       = &Error{FailedPrecondition, "etcdserver: role is not granted to the user"}
	ErrPermissionNotGranted = &Error{FailedPrecondition, "etcdserver: permission is not granted to the role"}
	ErrAuthNotEnabled       = &Error{FailedPrecondition, "etcdserver: authentication is not enabled"}
	ErrInvalidAuthToken     = &Error{Unauthenticated, "etcdserver: invalid auth token"}
	ErrInvalidAuthMgmt      = &Error{InvalidArgument, "etcdserver: invalid auth management"}
	ErrAuthOldRevision      = &Error{InvalidArgument, "etcdserver: revision of auth store is old"}
	ErrCorrupt              = &Error{DataLoss, "etcdserver: corrupt cluster"}
)
