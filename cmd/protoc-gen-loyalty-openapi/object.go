package main

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// object is a YAML mapping that keeps the order of its members.
type object []member

type member struct {
	key   string
	value any
}

// with returns the object with one more member. It returns the object unchanged if value is nil or empty.
func (o object) with(key string, value any) object {
	switch v := value.(type) {
	case nil:
		return o
	case string:
		if v == "" {
			return o
		}
	case []string:
		if len(v) == 0 {
			return o
		}
	case object:
		if len(v) == 0 {
			return o
		}
	}
	return append(o, member{key, value})
}

// set returns a copy of the object with the value of a member changed, or added if the object has no such member. A nil
// value removes the member.
func (o object) set(key string, value any) object {
	changed := slices.DeleteFunc(slices.Clone(o), func(m member) bool { return m.key == key && value == nil })
	if value == nil {
		return changed
	}
	for i, m := range changed {
		if m.key == key {
			changed[i].value = value
			return changed
		}
	}
	return append(changed, member{key, value})
}

// has reports whether the object has a member named key.
func (o object) has(key string) bool {
	return slices.ContainsFunc(o, func(m member) bool { return m.key == key })
}

// MarshalYAML implements yaml.Marshaler.
func (o object) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, m := range o {
		var key, value yaml.Node
		if err := key.Encode(m.key); err != nil {
			return nil, err
		}
		if err := value.Encode(m.value); err != nil {
			return nil, err
		}
		node.Content = append(node.Content, &key, &value)
	}
	return node, nil
}
