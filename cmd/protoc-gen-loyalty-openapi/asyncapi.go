package main

import (
	"fmt"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/schema"
)

// asyncAPI returns the AsyncAPI document of the events and the WebSocket frames.
func asyncAPI(events []*schema.Event, sockets []*schema.Socket, names *namer) (object, error) {
	payloads := newSchemas(names)
	var channels, operations, messages object
	for _, e := range events {
		references := object{}
		own, err := eventMessages(e, payloads)
		if err != nil {
			return nil, err
		}
		messages = append(messages, own...)
		for _, m := range own {
			references = append(references, member{m.key, object{{"$ref", "#/components/messages/" + m.key}}})
		}
		channels = append(channels, member{e.Topic, object{{"address", e.Topic}}.
			with("description", comment(e.Message.Comments.Leading)).with("messages", references).with("bindings", topic(e))})
		operations = append(operations, member{"publish" + schema.GoName(e.Topic), object{
			{"action", "send"},
			{"channel", object{{"$ref", "#/channels/" + e.Topic}}},
			{"description", "The service " + e.Producer + " publishes these events."},
		}})
	}
	for _, s := range sockets {
		name := s.Message.GoIdent.GoName
		id := strings.ToLower(name) + "s"
		examples, err := frameExamples(s)
		if err != nil {
			return nil, err
		}
		messages = append(messages, member{name, object{{"name", string(s.Message.Desc.FullName())}}.
			with("summary", comment(s.Message.Comments.Leading)).with("contentType", "application/json").
			with("payload", object{{"$ref", payloads.message(s.Message, event)}}).with("examples", examples)})
		channels = append(channels, member{id, object{{"address", s.Path}}.with("description", s.Description).
			with("messages", object{{name, object{{"$ref", "#/components/messages/" + name}}}}).
			with("bindings", object{{"ws", object{{"method", "GET"}, {"bindingVersion", "0.1.0"}}}})})
		operations = append(operations, member{"send" + schema.Plural(name), object{
			{"action", "send"},
			{"channel", object{{"$ref", "#/channels/" + id}}},
			{"description", "The platform sends these frames over the WebSocket."},
		}})
	}
	return object{
		{"asyncapi", "3.1.0"},
		{"info", info("Loyalty platform: events and WebSocket frames",
			"Events are CloudEvents 1.0 in binary mode, on Kafka or on NATS JetStream. The payload is the "+
				"protobuf message that the event type names, as application/protobuf, or its JSON form, as application/json or "+
				"without a content type. Events of one key arrive in order. An event may arrive more than once, with the same id.")},
		{"defaultContentType", "application/protobuf"},
		{"channels", channels},
		{"operations", operations},
		{"components", object{
			{"messages", messages},
			{"messageTraits", object{{"cloudEvent", object{{"headers", headers()}}}}},
			{"schemas", payloads.list},
		}},
	}, nil
}

// frameExamples returns an example of each kind of frame.
func frameExamples(s *schema.Socket) ([]object, error) {
	var examples []object
	for _, f := range s.Message.Fields {
		value, err := fieldExample(f, event)
		if err != nil {
			return nil, fmt.Errorf("%s: the example is not valid: %w", f.Desc.FullName(), err)
		}
		name := f.Desc.JSONName()
		examples = append(examples, object{{"name", name}, {"payload", object{{name, value}}}})
	}
	return examples, nil
}

// topic returns the bindings of an event's channel.
func topic(e *schema.Event) object {
	if e.Retention == 0 {
		return nil
	}
	return object{{"kafka", object{
		{"topic", e.Topic},
		{"topicConfiguration", object{{"retention.ms", e.Retention.Milliseconds()}}},
		{"bindingVersion", "0.5.0"},
	}}}
}

// eventMessages returns a message with an example for each type of an event.
func eventMessages(e *schema.Event, payloads *schemas) (object, error) {
	example, err := messageExample(e.Message, event)
	if err != nil {
		return nil, err
	}
	example = example.set(e.TopicField.Desc.JSONName(), e.Label)
	var messages object
	for _, v := range e.TypeField.Enum.Values[1:] {
		name := string(v.Desc.Name())
		message := eventMessage(e, name, comment(v.Comments.Leading), payloads).
			with("examples", []object{{{"payload", example.set(e.TypeField.Desc.JSONName(), name)}}})
		messages = append(messages, member{name, message})
	}
	return messages, nil
}

func eventMessage(e *schema.Event, name, description string, payloads *schemas) object {
	key := object{{"type", "string"}, {"description", "The payload's " + e.KeyField.Desc.JSONName() + "."}}
	if e.KeyIsUUID {
		key = key.with("format", "uuid")
	}
	return object{
		{"name", e.Package + "." + name},
		{"title", strings.ToUpper(name[:1]) + strings.ToLower(strings.ReplaceAll(name[1:], "_", " "))},
	}.with("summary", description).with("payload", object{{"$ref", payloads.message(e.Message, event)}}).
		with("traits", []object{{{"$ref", "#/components/messageTraits/cloudEvent"}}}).
		with("bindings", object{{"kafka", object{{"key", key}, {"bindingVersion", "0.5.0"}}}})
}

// headers returns the schema of the CloudEvents headers on Kafka. The headers on NATS have another prefix.
func headers() object {
	str := func(description string) object { return object{{"type", "string"}, {"description", description}} }
	return object{
		{"type", "object"},
		{"properties", object{
			{"ce_specversion", object{{"type", "string"}, {"const", "1.0"}}},
			{"ce_id", str("The id of the event. Consumers use it to detect duplicates.")},
			{"ce_source", str("The service that published the event.")},
			{"ce_type", str("The type of the event.")},
			{"ce_time", object{{"type", "string"}, {"format", "date-time"}, {"description", "When the event happened."}}},
			{"content-type", object{{"type", "string"}, {"enum", []string{"application/protobuf", "application/json"}}}},
		}},
	}
}
