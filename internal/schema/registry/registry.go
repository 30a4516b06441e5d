// Package registry lists the RPCs of the schema from the descriptors that are linked into the program. No list of files or
// services has to be kept by hand, so a new service cannot be forgotten.
package registry

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

// Methods returns the methods of all services in a protobuf package and in the packages below it, sorted by name. The
// program must import the generated code of the package.
func Methods(pkg protoreflect.FullName) []protoreflect.MethodDescriptor {
	var methods []protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package())+".", string(pkg)+".") {
			return true
		}
		for i := range file.Services().Len() {
			of := file.Services().Get(i).Methods()
			for j := range of.Len() {
				methods = append(methods, of.Get(j))
			}
		}
		return true
	})
	slices.SortFunc(methods, func(a, b protoreflect.MethodDescriptor) int {
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	return methods
}

// Audited returns the action that a method records in the audit trail. It returns false if the method is not audited.
func Audited(m protoreflect.MethodDescriptor) (optionsv1.AuditAction, bool) {
	option, ok := proto.GetExtension(m.Options(), optionsv1.E_Audit).(*optionsv1.Audit)
	return option.GetAction(), ok && option.GetAction() != optionsv1.AuditAction_AUDIT_ACTION_UNSPECIFIED
}

// Internal reports whether only services of the platform may call a method.
func Internal(m protoreflect.MethodDescriptor) bool {
	access, _ := proto.GetExtension(m.Options(), optionsv1.E_Access).(*optionsv1.Access)
	return access.GetInternal()
}
