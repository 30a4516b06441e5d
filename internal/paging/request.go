package paging

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Request is a request for a page of a list.
type Request interface {
	proto.Message
	GetPageSize() int32
	GetPageToken() string
}

// Position returns the key after which the requested page begins, or "" for the first page; Next made the token of it.
// Everything in the request but its paging is the filter that the token belongs to.
func Position(r Request) (string, error) {
	filter, err := requestFilter(r)
	if err != nil {
		return "", err
	}
	key, err := Decode(r.GetPageToken(), filter, 1)
	if err != nil || key == nil {
		return "", err
	}
	return key[0], nil
}

// Next returns the token of the page after the one that ends with the element at key.
func Next(r Request, key string) (string, error) {
	filter, err := requestFilter(r)
	if err != nil {
		return "", err
	}
	return Encode(filter, key), nil
}

func requestFilter(r Request) (Filter, error) {
	m := proto.Clone(r).ProtoReflect()
	for _, name := range []protoreflect.Name{"page_size", "page_token"} {
		if field := m.Descriptor().Fields().ByName(name); field != nil {
			m.Clear(field)
		}
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	if err != nil {
		return Filter{}, err
	}
	return FilterOf(string(m.Descriptor().FullName()), string(encoded)), nil
}
