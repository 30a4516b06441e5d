// Package schema reads what the protobuf schema says in its options into a plain model, from which the generators under
// cmd/protoc-gen-loyalty-* write code. It is used when generating and in tests, never when serving.
package schema

import (
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/pluginpb"
)

// Module is the Go module for which code is generated.
const Module = "github.com/casino-loyalty/loyalty"

// Run makes the process a protoc plugin that answers the request on its standard input with what generate writes.
func Run(generate func(*protogen.Plugin) error) {
	protogen.Options{}.Run(func(plugin *protogen.Plugin) error {
		plugin.SupportedFeatures = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL)
		return generate(plugin)
	})
}

// extension returns the option of a descriptor, or T's zero value where it is not set.
func extension[T any](d protoreflect.Descriptor, option protoreflect.ExtensionType) T {
	var none T
	if !proto.HasExtension(d.Options(), option) {
		return none
	}
	v, ok := proto.GetExtension(d.Options(), option).(T)
	if !ok {
		return none
	}
	return v
}
