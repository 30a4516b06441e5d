package apidocs

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// toJSON converts a YAML document to JSON and keeps the order of the members.
func toJSON(document []byte) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := writeNode(&b, &root); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func writeNode(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.DocumentNode:
		return writeNode(b, n.Content[0])
	case yaml.AliasNode:
		return writeNode(b, n.Alias)
	case yaml.MappingNode:
		return writeList(b, '{', n.Content, 2, '}')
	case yaml.SequenceNode:
		return writeList(b, '[', n.Content, 1, ']')
	case yaml.ScalarNode:
		var value any = n.Value
		if n.ShortTag() != "!!timestamp" { // JSON has no timestamps
			if err := n.Decode(&value); err != nil {
				return err
			}
		}
		content, err := json.Marshal(value)
		b.Write(content)
		return err
	default:
		return fmt.Errorf("line %d: unknown kind of node", n.Line)
	}
}

// writeList writes an array or an object. The width is the number of nodes per entry: 1 for the elements of an array, and 2
// for the members of an object, which have a name and a value.
func writeList(b *bytes.Buffer, open byte, nodes []*yaml.Node, width int, end byte) error {
	b.WriteByte(open)
	for i, n := range nodes {
		if i > 0 && i%width == 0 {
			b.WriteByte(',')
		}
		if width == 2 && i%2 == 0 {
			name, err := json.Marshal(n.Value) // a name in YAML may be a number such as 200
			if err != nil {
				return err
			}
			b.Write(append(name, ':'))
			continue
		}
		if err := writeNode(b, n); err != nil {
			return err
		}
	}
	b.WriteByte(end)
	return nil
}
