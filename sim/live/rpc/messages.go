package rpc

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// concurrencyMessages are the messages of the services Lock and Election, by their
// full names.
var concurrencyMessages = describeMessages()

// NewMessage returns an empty message of the services Lock and Election, by its full
// name, such as v3lockpb.LockRequest. It panics if there is none of this name.
func NewMessage(name string) proto.Message { return newMessage(name).Message }

// field is one field of a message: bytes, an int64, or a message by its full name.
type field struct {
	name string
	kind string
}

// Kinds of fields besides names of messages.
const (
	kindBytes = "bytes"
	kindInt64 = "int64"
)

const (
	headerType    = ".etcdserverpb.ResponseHeader"
	kvType        = ".mvccpb.KeyValue"
	leaderKeyType = ".v3electionpb.LeaderKey"
)

// concurrencyFiles lists the messages by package. Fields are numbered in their
// order, as etcd's are.
var concurrencyFiles = map[string]map[string][]field{
	"v3lockpb": {
		"LockRequest":    {{"name", kindBytes}, {"lease", kindInt64}},
		"LockResponse":   {{"header", headerType}, {"key", kindBytes}},
		"UnlockRequest":  {{"key", kindBytes}},
		"UnlockResponse": {{"header", headerType}},
	},
	"v3electionpb": {
		"CampaignRequest":  {{"name", kindBytes}, {"lease", kindInt64}, {"value", kindBytes}},
		"CampaignResponse": {{"header", headerType}, {"leader", leaderKeyType}},
		"LeaderKey":        {{"name", kindBytes}, {"key", kindBytes}, {"rev", kindInt64}, {"lease", kindInt64}},
		"LeaderRequest":    {{"name", kindBytes}},
		"LeaderResponse":   {{"header", headerType}, {"kv", kvType}},
		"ResignRequest":    {{"leader", leaderKeyType}},
		"ResignResponse":   {{"header", headerType}},
		"ProclaimRequest":  {{"leader", leaderKeyType}, {"value", kindBytes}},
		"ProclaimResponse": {{"header", headerType}},
	},
}

func describeMessages() map[string]protoreflect.MessageDescriptor {
	// They refer to messages of etcd's API, whose files are known by these.
	dependencies := []string{
		(&pb.ResponseHeader{}).ProtoReflect().Descriptor().ParentFile().Path(),
		(&mvccpb.KeyValue{}).ProtoReflect().Descriptor().ParentFile().Path(),
	}
	all := map[string]protoreflect.MessageDescriptor{}
	for pkg, messages := range concurrencyFiles { // unordered: each is a file of its own
		file := &descriptorpb.FileDescriptorProto{
			Name: proto.String("etcdsim/" + pkg + ".proto"), Package: proto.String(pkg), Syntax: proto.String("proto3"),
			Dependency: dependencies,
		}
		for name, fields := range messages { // unordered: they are found by name
			file.MessageType = append(file.MessageType, describeMessage(name, fields))
		}
		described, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
		if err != nil {
			panic("rpc: the messages of " + pkg + " do not fit together: " + err.Error())
		}
		for i := range described.Messages().Len() {
			m := described.Messages().Get(i)
			all[string(m.FullName())] = m
		}
	}
	return all
}

func describeMessage(name string, fields []field) *descriptorpb.DescriptorProto {
	m := &descriptorpb.DescriptorProto{Name: proto.String(name)}
	for i, f := range fields {
		d := &descriptorpb.FieldDescriptorProto{
			Name: proto.String(f.name), Number: proto.Int32(int32(i + 1)),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
		switch f.kind {
		case kindBytes:
			d.Type = descriptorpb.FieldDescriptorProto_TYPE_BYTES.Enum()
		case kindInt64:
			d.Type = descriptorpb.FieldDescriptorProto_TYPE_INT64.Enum()
		default:
			d.Type, d.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), proto.String(f.kind)
		}
		m.Field = append(m.Field, d)
	}
	return m
}
