package schema

import (
	"slices"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Uses are the messages and enums that a service sends and receives.
type Uses struct {
	// Written are the messages and enums in its responses, its events and its WebSocket frames.
	Written map[protoreflect.FullName]bool
	// Listed are the messages in Written that occur in lists.
	Listed map[protoreflect.FullName]bool
	// Read are the messages and enums in its requests, and the other services' entities for which the service has a domain
	// type.
	Read map[protoreflect.FullName]bool
	// Updated are the resources of its update methods. The service reads only their masked fields.
	Updated map[protoreflect.FullName]bool
}

// UsesOf returns the messages that a service uses. known are the entities that [Known] returns for the service.
func UsesOf(files []*protogen.File, known []*Entity, service string) (*Uses, error) {
	events, err := Events(files)
	if err != nil {
		return nil, err
	}
	u := &Uses{
		Written: map[protoreflect.FullName]bool{}, Listed: map[protoreflect.FullName]bool{},
		Read: map[protoreflect.FullName]bool{}, Updated: map[protoreflect.FullName]bool{},
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
		u.Updated[resource.Desc.FullName()] = true
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

// resourceOf returns the resource of an update request: its only message field besides update_mask that is not a list. It
// returns nil for other requests.
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
