package rpc

import (
	"context"

	"go.etcd.io/etcd/api/v3/authpb"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/crypto/bcrypt"

	"etcdsim/store"
)

// done passes on a request whose answer says only that it was done.
func (s *server) done(ctx context.Context, r store.Request) (*pb.ResponseHeader, error) {
	_, h, err := unary[*store.AuthResult](ctx, s, r)
	return h, err
}

// AuthEnable implements the service Auth.
func (s *server) AuthEnable(ctx context.Context, _ *pb.AuthEnableRequest) (*pb.AuthEnableResponse, error) {
	h, err := s.done(ctx, &store.AuthEnableRequest{})
	if err != nil {
		return nil, err
	}
	return &pb.AuthEnableResponse{Header: h}, nil
}

// AuthDisable implements the service Auth.
func (s *server) AuthDisable(ctx context.Context, _ *pb.AuthDisableRequest) (*pb.AuthDisableResponse, error) {
	h, err := s.done(ctx, &store.AuthDisableRequest{})
	if err != nil {
		return nil, err
	}
	return &pb.AuthDisableResponse{Header: h}, nil
}

// AuthStatus implements the service Auth.
func (s *server) AuthStatus(ctx context.Context, _ *pb.AuthStatusRequest) (*pb.AuthStatusResponse, error) {
	res, h, err := unary[*store.AuthStatusResult](ctx, s, &store.AuthStatusRequest{})
	if err != nil {
		return nil, err
	}
	return &pb.AuthStatusResponse{Header: h, Enabled: res.Enabled, AuthRevision: res.Revision}, nil
}

// Authenticate implements the service Auth.
func (s *server) Authenticate(ctx context.Context, r *pb.AuthenticateRequest) (*pb.AuthenticateResponse, error) {
	res, h, err := unary[*store.AuthenticateResult](ctx, s, &store.AuthenticateRequest{Name: r.Name, Password: r.Password})
	if err != nil {
		return nil, err
	}
	token, err := s.signed(res.Token)
	if err != nil {
		return nil, err
	}
	return &pb.AuthenticateResponse{Header: h, Token: token}, nil
}

// hash returns what members keep of a password, as etcd does: so users of a snapshot
// can authenticate to a real one. It takes the least work that bcrypt allows, for
// members check passwords on the loop; and recordings hold no password of a user.
func hash(password string) (string, error) {
	text, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	return string(text), err
}

// UserAdd implements the service Auth.
func (s *server) UserAdd(ctx context.Context, r *pb.AuthUserAddRequest) (*pb.AuthUserAddResponse, error) {
	add := &store.UserAddRequest{Name: r.Name, NoPassword: r.Options.GetNoPassword()}
	if !add.NoPassword {
		var err error
		if add.HashedPassword, err = hash(r.Password); err != nil {
			return nil, err
		}
	}
	h, err := s.done(ctx, add)
	if err != nil {
		return nil, err
	}
	return &pb.AuthUserAddResponse{Header: h}, nil
}

// UserGet implements the service Auth.
func (s *server) UserGet(ctx context.Context, r *pb.AuthUserGetRequest) (*pb.AuthUserGetResponse, error) {
	res, h, err := unary[*store.UserGetResult](ctx, s, &store.UserGetRequest{Name: r.Name})
	if err != nil {
		return nil, err
	}
	return &pb.AuthUserGetResponse{Header: h, Roles: res.Roles}, nil
}

// UserList implements the service Auth.
func (s *server) UserList(ctx context.Context, _ *pb.AuthUserListRequest) (*pb.AuthUserListResponse, error) {
	res, h, err := unary[*store.UserListResult](ctx, s, &store.UserListRequest{})
	if err != nil {
		return nil, err
	}
	return &pb.AuthUserListResponse{Header: h, Users: res.Users}, nil
}

// UserDelete implements the service Auth.
func (s *server) UserDelete(ctx context.Context, r *pb.AuthUserDeleteRequest) (*pb.AuthUserDeleteResponse, error) {
	h, err := s.done(ctx, &store.UserDeleteRequest{Name: r.Name})
	if err != nil {
		return nil, err
	}
	return &pb.AuthUserDeleteResponse{Header: h}, nil
}

// UserChangePassword implements the service Auth.
func (s *server) UserChangePassword(
	ctx context.Context, r *pb.AuthUserChangePasswordRequest,
) (*pb.AuthUserChangePasswordResponse, error) {
	hashed, err := hash(r.Password)
	if err != nil {
		return nil, err
	}
	h, err := s.done(ctx, &store.UserChangePasswordRequest{Name: r.Name, HashedPassword: hashed})
	if err != nil {
		return nil, err
	}
	return &pb.AuthUserChangePasswordResponse{Header: h}, nil
}

// UserGrantRole implements the service Auth.
func (s *server) UserGrantRole(ctx context.Context, r *pb.AuthUserGrantRoleRequest) (*pb.AuthUserGrantRoleResponse, error) {
	h, err := s.done(ctx, &store.UserGrantRoleRequest{User: r.User, Role: r.Role})
	if err != nil {
		return nil, err
	}
	return &pb.AuthUserGrantRoleResponse{Header: h}, nil
}

// UserRevokeRole implements the service Auth.
func (s *server) UserRevokeRole(ctx context.Context, r *pb.AuthUserRevokeRoleRequest) (*pb.AuthUserRevokeRoleResponse, error) {
	h, err := s.done(ctx, &store.UserRevokeRoleRequest{Name: r.Name, Role: r.Role})
	if err != nil {
		return nil, err
	}
	return &pb.AuthUserRevokeRoleResponse{Header: h}, nil
}

// RoleAdd implements the service Auth.
func (s *server) RoleAdd(ctx context.Context, r *pb.AuthRoleAddRequest) (*pb.AuthRoleAddResponse, error) {
	h, err := s.done(ctx, &store.RoleAddRequest{Name: r.Name})
	if err != nil {
		return nil, err
	}
	return &pb.AuthRoleAddResponse{Header: h}, nil
}

// RoleGet implements the service Auth.
func (s *server) RoleGet(ctx context.Context, r *pb.AuthRoleGetRequest) (*pb.AuthRoleGetResponse, error) {
	res, h, err := unary[*store.RoleGetResult](ctx, s, &store.RoleGetRequest{Role: r.Role})
	if err != nil {
		return nil, err
	}
	to := &pb.AuthRoleGetResponse{Header: h}
	for _, p := range res.Perms {
		to.Perm = append(to.Perm, &authpb.Permission{
			PermType: authpb.Permission_Type(p.Type), Key: []byte(p.Key), RangeEnd: []byte(p.RangeEnd),
		})
	}
	return to, nil
}

// RoleList implements the service Auth.
func (s *server) RoleList(ctx context.Context, _ *pb.AuthRoleListRequest) (*pb.AuthRoleListResponse, error) {
	res, h, err := unary[*store.RoleListResult](ctx, s, &store.RoleListRequest{})
	if err != nil {
		return nil, err
	}
	return &pb.AuthRoleListResponse{Header: h, Roles: res.Roles}, nil
}

// RoleDelete implements the service Auth.
func (s *server) RoleDelete(ctx context.Context, r *pb.AuthRoleDeleteRequest) (*pb.AuthRoleDeleteResponse, error) {
	h, err := s.done(ctx, &store.RoleDeleteRequest{Role: r.Role})
	if err != nil {
		return nil, err
	}
	return &pb.AuthRoleDeleteResponse{Header: h}, nil
}

// RoleGrantPermission implements the service Auth.
func (s *server) RoleGrantPermission(
	ctx context.Context, r *pb.AuthRoleGrantPermissionRequest,
) (*pb.AuthRoleGrantPermissionResponse, error) {
	to := &store.RoleGrantPermissionRequest{Name: r.Name}
	if p := r.Perm; p != nil {
		to.Perm = &store.Permission{Type: store.PermissionType(p.PermType), Key: string(p.Key), RangeEnd: string(p.RangeEnd)}
	}
	h, err := s.done(ctx, to)
	if err != nil {
		return nil, err
	}
	return &pb.AuthRoleGrantPermissionResponse{Header: h}, nil
}

// RoleRevokePermission implements the service Auth.
func (s *server) RoleRevokePermission(
	ctx context.Context, r *pb.AuthRoleRevokePermissionRequest,
) (*pb.AuthRoleRevokePermissionResponse, error) {
	h, err := s.done(ctx, &store.RoleRevokePermissionRequest{Role: r.Role, Key: string(r.Key), RangeEnd: string(r.RangeEnd)})
	if err != nil {
		return nil, err
	}
	return &pb.AuthRoleRevokePermissionResponse{Header: h}, nil
}
