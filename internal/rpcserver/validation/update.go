package validation

import (
	"slices"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/printable"
)

// masked is the part of an update's resource that the update changes.
type masked struct {
	field    protoreflect.FieldDescriptor
	resource protoreflect.Message
	names    map[protoreflect.Name]bool
}

// mask reads and checks the mask of an update, and replaces it with the sorted list of the fields to change. If the mask is
// absent or empty, the fields to change are the fields that are set in the resource.
func (c *check) mask(u *update, m protoreflect.Message) *masked {
	r := &masked{field: u.resource, resource: m.Mutable(u.resource).Message(), names: map[protoreflect.Name]bool{}}
	fields := r.resource.Descriptor().Fields()
	var given, paths []string
	if mask, ok := m.Get(u.mask).Message().Interface().(*fieldmaskpb.FieldMask); ok {
		given = mask.GetPaths()
	}
	if strings.Join(given, "") == "" {
		given = nil
	}
	for _, path := range given {
		if fields.ByName(protoreflect.Name(path)) == nil {
			c.refusef(u.mask.JSONName(), RuleMask, "the resource has no field %q", printable.Clip(path, limits.Echo))
			continue
		}
		paths = append(paths, path)
	}
	if len(given) == 0 {
		r.resource.Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			paths = append(paths, string(fd.Name()))
			return true
		})
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	for _, path := range paths {
		r.names[protoreflect.Name(path)] = true
	}
	m.Set(u.mask, protoreflect.ValueOfMessage((&fieldmaskpb.FieldMask{Paths: paths}).ProtoReflect()))
	return r
}

// filter selects the rules of the masked fields. It excludes the rules of the resource as a whole, because an update does
// not contain the whole resource.
func (r *masked) filter() protovalidate.Filter {
	root := r.resource.Descriptor()
	return protovalidate.FilterFunc(func(m protoreflect.Message, d protoreflect.Descriptor) bool {
		if m.Descriptor() != root {
			return true
		}
		fd, ok := d.(protoreflect.FieldDescriptor)
		return ok && r.names[fd.Name()]
	})
}
