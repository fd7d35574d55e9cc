package store

import (
	"strconv"
	"strings"
)

// describeAuth prints a request about users, roles or alarms, and reports whether
// it is one. Passwords are never printed.
func describeAuth(b *strings.Builder, req Request) bool {
	switch req := req.(type) {
	case *AuthEnableRequest:
		b.WriteString("auth enable")
	case *AuthDisableRequest:
		b.WriteString("auth disable")
	case *AuthStatusRequest:
		b.WriteString("auth status")
	case *AuthenticateRequest:
		b.WriteString("authenticate " + Text(req.Name))
	case *UserAddRequest:
		b.WriteString("user add " + Text(req.Name))
		describeFlag(b, req.NoPassword, "no-password")
	case *UserDeleteRequest:
		b.WriteString("user delete " + Text(req.Name))
	case *UserChangePasswordRequest:
		b.WriteString("user passwd " + Text(req.Name))
	case *UserGrantRoleRequest:
		b.WriteString("user grant-role " + Text(req.User) + " " + Text(req.Role))
	case *UserRevokeRoleRequest:
		b.WriteString("user revoke-role " + Text(req.Name) + " " + Text(req.Role))
	case *UserGetRequest:
		b.WriteString("user get " + Text(req.Name))
	case *UserListRequest:
		b.WriteString("user list")
	case *RoleAddRequest:
		b.WriteString("role add " + Text(req.Name))
	case *RoleDeleteRequest:
		b.WriteString("role delete " + Text(req.Role))
	case *RoleGetRequest:
		b.WriteString("role get " + Text(req.Role))
	case *RoleListRequest:
		b.WriteString("role list")
	case *RoleGrantPermissionRequest:
		b.WriteString("role grant-permission " + Text(req.Name) + " ")
		if req.Perm == nil {
			b.WriteString("nothing")
		} else {
			describePermission(b, req.Perm)
		}
	case *RoleRevokePermissionRequest:
		b.WriteString("role revoke-permission " + Text(req.Role) + " ")
		describeKeys(b, req.Key, req.RangeEnd)
	case *AlarmRequest:
		b.WriteString("alarm " + req.Action.String() + " " + describeAlarm(req.Alarm))
	default:
		return false
	}
	return true
}

func describePermission(b *strings.Builder, p *Permission) {
	b.WriteString(p.Type.String() + " ")
	describeKeys(b, p.Key, p.RangeEnd)
}

func describeAlarm(a Alarm) string {
	return a.Type.String() + " of n" + strconv.FormatUint(a.MemberID, 10)
}

func describeAuthResult(b *strings.Builder, result Result) {
	switch res := result.(type) {
	case *AuthStatusResult:
		b.WriteString(" = " + strconv.FormatBool(res.Enabled) + " at auth revision " + strconv.FormatUint(res.Revision, 10))
	case *AuthenticateResult:
		b.WriteString(" = token " + Text(res.Token))
	case *UserGetResult:
		b.WriteString(" = roles " + strings.Join(res.Roles, ", "))
	case *UserListResult:
		b.WriteString(" = " + strings.Join(res.Users, ", "))
	case *RoleGetResult:
		for i := range res.Perms {
			b.WriteString(separator(i, " = "))
			describePermission(b, &res.Perms[i])
		}
	case *RoleListResult:
		b.WriteString(" = " + strings.Join(res.Roles, ", "))
	case *AlarmResult:
		for i, a := range res.Alarms {
			b.WriteString(separator(i, " = ") + describeAlarm(a))
		}
	}
}
