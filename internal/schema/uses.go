package schema

import (
	"slices"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Uses are the messages and enums that travel to and from a service, by what it does with them.
type Uses struct {
	// Written are those in the answers of its methods, in the events that it publishes and in its frames.
	Written map[protoreflect.FullName]bool
	// Listed are the messages of which there is a list in what is written.
	Listed map[protoreflect.FullName]bool
	// Read are those in the requests of its methods, and the entities of other services that it knows.
	Read map[protoreflect.FullName]bool
	// Masked are the resources of its updates: of them only the masked fields are read.
	Masked map[protoreflect.FullName]bool
}

// UsesOf finds what travels to and from service, which knows the entities.
func UsesOf(files []*protogen.File, known []*Entity, service string) (*Uses, error) {
	events, err := Events(files)
	if err != nil {
		return nil, err
	}
	u := &Uses{
		Written: map[protoreflect.FullName]bool{}, Listed: map[protoreflect.FullName]bool{},
		Read: map[protoreflect.FullName]bool{}, Masked: map[protoreflect.FullName]bool{},
	}
	for _, e := range events {
		if e.Producer == service {
			u.write(e.Message)
		}
	}
	for _, e := range known {
		if e.Service != service {
			u.read(e.Message)
		}
	}
	own := slices.DeleteFunc(slices.Clone(files), func(f *protogen.File) bool { return Service(f.Desc) != service })
	for _, s := range Sockets(own) {
		u.write(s.Message)
	}
	for _, f := range own {
		for _, s := range f.Services {
			for _, m := range s.Methods {
				u.read(m.Input)
				u.write(m.Output)
			}
		}
	}
	return u, nil
}

func (u *Uses) write(m *protogen.Message) {
	if u.Written[m.Desc.FullName()] {
		return
	}
	u.Written[m.Desc.FullName()] = true
	for _, f := range m.Fields {
		switch {
		case f.Enum != nil:
			u.Written[f.Enum.Desc.FullName()] = true
		case f.Message != nil:
			u.write(f.Message)
			if f.Desc.IsList() {
				u.Listed[f.Message.Desc.FullName()] = true
			}
		}
	}
}

func (u *Uses) read(m *protogen.Message) {
	if u.Read[m.Desc.FullName()] {
		return
	}
	u.Read[m.Desc.FullName()] = true
	if resource := resourceOf(m); resource != nil {
		u.Masked[resource.Desc.FullName()] = true
		u.readFields(resource)
		return
	}
	u.readFields(m)
}

func (u *Uses) readFields(m *protogen.Message) {
	for _, f := range m.Fields {
		switch {
		case f.Enum != nil:
			u.Read[f.Enum.Desc.FullName()] = true
		case f.Message != nil && !ColumnOf(f).GetTransient():
			u.read(f.Message)
		}
	}
}

// resourceOf returns the resource of an update, which is a message with an update_mask and one other message; else nil.
func resourceOf(m *protogen.Message) (resource *protogen.Message) {
	masked := false
	for _, f := range m.Fields {
		switch {
		case f.Message == nil || f.Desc.IsList():
		case f.Desc.Name() == "update_mask":
			masked = f.Message.Desc.FullName() == "google.protobuf.FieldMask"
		case resource != nil:
			return nil
		default:
			resource = f.Message
		}
	}
	if !masked {
		return nil
	}
	return resource
}
