package validation

import (
	"slices"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// masked is the part of an update's resource that counts.
type masked struct {
	field    protoreflect.FieldDescriptor
	resource protoreflect.Message
	names    map[protoreflect.Name]bool
}

// mask reads, checks and completes the mask of an update.
func (c *check) mask(u *update, m protoreflect.Message) *masked {
	r := &masked{field: u.resource, resource: m.Mutable(u.resource).Message(), names: map[protoreflect.Name]bool{}}
	fields := r.resource.Descriptor().Fields()
	var paths []string
	if given, ok := m.Get(u.mask).Message().Interface().(*fieldmaskpb.FieldMask); ok && m.Has(u.mask) {
		for _, path := range given.GetPaths() {
			if fields.ByName(protoreflect.Name(path)) == nil {
				c.refusef(u.mask.JSONName(), RuleMask, "%q is no field of the resource", path)
				continue
			}
			paths = append(paths, path)
		}
	} else {
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

// filter lets rules see only the masked fields, and no rule about the resource as a whole: it is not there as a whole.
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
