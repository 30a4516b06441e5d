// Package staffonly removes the fields that only employees may see from messages. The fields have the option staff_only in
// the schema.
package staffonly

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

// Fields are the fields of a message type that only employees may see, also in nested messages. A nil *Fields has none.
// Fields are safe for concurrent use.
type Fields struct {
	own    []protoreflect.FieldDescriptor
	nested []nested
}

// nested is a field whose message has such fields.
type nested struct {
	fd     protoreflect.FieldDescriptor
	fields *Fields
}

// Of returns the fields of md that only employees may see, or nil if md has none.
func Of(md protoreflect.MessageDescriptor) *Fields {
	return search(md, map[protoreflect.FullName]*Fields{})
}

// search is Of for a message that may be contained in messages whose search has begun.
func search(md protoreflect.MessageDescriptor, begun map[protoreflect.FullName]*Fields) *Fields {
	if f, ok := begun[md.FullName()]; ok {
		return f // not complete yet if md contains itself
	}
	f := &Fields{}
	begun[md.FullName()] = f
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if hidden, _ := proto.GetExtension(fd.Options(), optionsv1.E_StaffOnly).(bool); hidden {
			f.own = append(f.own, fd)
			continue
		}
		if fd.Message() == nil || fd.IsMap() || fd.Message().ParentFile().Package() == "google.protobuf" {
			continue
		}
		if inner := search(fd.Message(), begun); inner != nil {
			f.nested = append(f.nested, nested{fd, inner})
		}
	}
	if len(f.own) == 0 && len(f.nested) == 0 {
		begun[md.FullName()] = nil
		return nil
	}
	return f
}

// Clear clears the fields in m and in the messages in m.
func (f *Fields) Clear(m protoreflect.Message) {
	if f == nil {
		return
	}
	for _, fd := range f.own {
		m.Clear(fd)
	}
	for _, n := range f.nested {
		switch {
		case !m.Has(n.fd):
		case n.fd.IsList():
			list := m.Get(n.fd).List()
			for i := range list.Len() {
				n.fields.Clear(list.Get(i).Message())
			}
		default:
			n.fields.Clear(m.Get(n.fd).Message())
		}
	}
}
