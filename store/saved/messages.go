package saved

import (
	"fmt"
	"unicode/utf8"

	"etcdsim/store"
)

// The messages that etcd keeps, read as its Unmarshal reads them: of a field that is
// there twice the last one counts, and a message that is there twice is one, with the
// fields of both.

// decodeKeyValue reads a mvccpb.KeyValue.
func decodeKeyValue(data string) (kv store.KeyValue, err error) {
	err = message(data, func(f field) error {
		switch f.tag {
		case text(1):
			kv.Key = f.text
		case integer(2):
			kv.CreateRevision = int64(f.integer)
		case integer(3):
			kv.ModRevision = int64(f.integer)
		case integer(4):
			kv.Version = int64(f.integer)
		case text(5):
			kv.Value = f.text
		case integer(6):
			kv.Lease = int64(f.integer)
		}
		return nil
	})
	return kv, err
}

// decodeLease reads a leasepb.Lease.
func decodeLease(data string) (l Lease, err error) {
	err = message(data, func(f field) error {
		switch f.tag {
		case integer(1):
			l.ID = int64(f.integer)
		case integer(2):
			l.TTL = int64(f.integer)
		case integer(3):
			l.Remaining = int64(f.integer)
		}
		return nil
	})
	return l, err
}

// decodeUser reads an authpb.User.
func decodeUser(data string) (u User, err error) {
	err = message(data, func(f field) error {
		switch f.tag {
		case text(1):
			u.Name = f.text
		case text(2):
			u.Password = f.text
		case text(3):
			if !utf8.ValidString(f.text) {
				return fmt.Errorf("expected the name of a role in UTF-8, found %q", f.text)
			}
			u.Roles = append(u.Roles, f.text)
		case text(4): // its options
			return message(f.text, func(f field) error {
				if f.tag == integer(1) {
					u.NoPassword = f.integer != 0
				}
				return nil
			})
		}
		return nil
	})
	return u, err
}

// decodeRole reads an authpb.Role.
func decodeRole(data string) (r Role, err error) {
	err = message(data, func(f field) error {
		switch f.tag {
		case text(1):
			r.Name = f.text
		case text(2):
			p, err := decodePermission(f.text)
			r.Permissions = append(r.Permissions, p)
			return err
		}
		return nil
	})
	return r, err
}

// decodePermission reads an authpb.Permission.
func decodePermission(data string) (p store.Permission, err error) {
	err = message(data, func(f field) error {
		switch f.tag {
		case integer(1):
			p.Type = store.PermissionType(f.integer)
		case text(2):
			p.Key = f.text
		case text(3):
			p.RangeEnd = f.text
		}
		return nil
	})
	return p, err
}

// decodeAlarm reads an etcdserverpb.AlarmMember.
func decodeAlarm(data string) (a store.Alarm, err error) {
	err = message(data, func(f field) error {
		switch f.tag {
		case integer(1):
			a.MemberID = f.integer
		case integer(2):
			a.Type = store.AlarmType(f.integer)
		}
		return nil
	})
	return a, err
}
