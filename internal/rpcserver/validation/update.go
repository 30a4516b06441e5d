package validation

import (
	"slices"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/printable"
)

// masked is the part of an update's resource that the update changes.
type masked struct {
	field    protoreflect.FieldDescriptor
	resource protoreflect.Message
	names    names
}

// names are the fields of a message that an update changes. The value of an embedded message of which only some members
// change is the set of these members. The value of other fields is nil.
type names map[protoreflect.Name]names

func (n names) has(name protoreflect.Name) bool {
	_, ok := n[name]
	return ok
}

// add adds a path of a mask: the name of a field, or of an embedded message and one of its members.
func (n names) add(path string) {
	name, member, _ := strings.Cut(path, ".")
	members, ok := n[protoreflect.Name(name)]
	switch {
	case member == "":
		n[protoreflect.Name(name)] = nil
	case !ok:
		n[protoreflect.Name(name)] = names{protoreflect.Name(member): nil}
	case members != nil:
		members[protoreflect.Name(member)] = nil
	}
}

// paths returns the sorted paths of the names.
func (n names) paths() []string {
	var paths []string
	for name, members := range n {
		if members == nil {
			paths = append(paths, string(name))
		}
		for member := range members {
			paths = append(paths, string(name)+"."+string(member))
		}
	}
	slices.Sort(paths)
	return paths
}

// isPath reports whether a path of a mask names a field of md, or a member of an embedded message of md.
func isPath(md protoreflect.MessageDescriptor, path string) bool {
	name, member, nested := strings.Cut(path, ".")
	fd := md.Fields().ByName(protoreflect.Name(name))
	if fd == nil || !nested {
		return fd != nil
	}
	return IsEmbedded(fd) && fd.Message().Fields().ByName(protoreflect.Name(member)) != nil
}

// IsEmbedded reports whether a field holds a message of the schema that is not an entity. An update can change its members
// one by one.
func IsEmbedded(fd protoreflect.FieldDescriptor) bool {
	md := fd.Message()
	return md != nil && !fd.IsList() && !fd.IsMap() && md.ParentFile().Package() != "google.protobuf" &&
		!proto.HasExtension(md.Options(), optionsv1.E_Entity)
}

// mask reads and checks the mask of an update, and replaces it with the sorted list of the fields to change. If the mask is
// absent or empty, the fields to change are the fields that are set in the resource, and the members that are set in its
// embedded messages.
func (c *check) mask(u *update, m protoreflect.Message) *masked {
	r := &masked{field: u.resource, resource: m.Mutable(u.resource).Message(), names: names{}}
	var given []string
	if mask, ok := m.Get(u.mask).Message().Interface().(*fieldmaskpb.FieldMask); ok {
		given = mask.GetPaths()
	}
	if strings.Join(given, "") == "" {
		given = nil
	}
	for _, path := range given {
		if !isPath(r.resource.Descriptor(), path) {
			c.refusef(u.mask.JSONName(), RuleMask, "the resource has no field %q", printable.Clip(path, limits.Echo))
			continue
		}
		r.names.add(path)
	}
	if len(given) == 0 {
		r.names.addSet(r.resource)
	}
	m.Set(u.mask, protoreflect.ValueOfMessage((&fieldmaskpb.FieldMask{Paths: r.names.paths()}).ProtoReflect()))
	return r
}

// addSet adds the fields that are set in a message.
func (n names) addSet(m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !IsEmbedded(fd) {
			n.add(string(fd.Name()))
			return true
		}
		v.Message().Range(func(member protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			n.add(string(fd.Name()) + "." + string(member.Name()))
			return true
		})
		return true
	})
}

// clear clears the fields of m that are not in names.
func (n names) clear(m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch members, ok := n[fd.Name()]; {
		case !ok:
			m.Clear(fd)
		case members != nil:
			members.clear(v.Message())
		}
		return true
	})
}

// filter selects the rules of the masked fields. It excludes the rules of the resource as a whole, and of an embedded
// message of which only some members change, because an update does not contain them completely.
func (r *masked) filter() protovalidate.Filter {
	parts := map[protoreflect.ProtoMessage]names{r.resource.Interface(): r.names}
	for name, members := range r.names {
		if fd := r.resource.Descriptor().Fields().ByName(name); members != nil && r.resource.Has(fd) {
			parts[r.resource.Get(fd).Message().Interface()] = members
		}
	}
	return protovalidate.FilterFunc(func(m protoreflect.Message, d protoreflect.Descriptor) bool {
		part, ok := parts[m.Interface()]
		if !ok {
			return true
		}
		fd, ok := d.(protoreflect.FieldDescriptor)
		return ok && part.has(fd.Name())
	})
}
