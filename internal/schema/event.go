package schema

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/compiler/protogen"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

// Event describes a message that is the payload of all events of one topic.
type Event struct {
	Message *protogen.Message
	// Name is the message's name, "PlayerEvent".
	Name string
	// Package is the proto package, "loyalty.users.v1". Event types begin with it.
	Package string
	// Topic is the topic's name. Label is the value of the payload's field "topic".
	Topic, Label string
	// Producer is the service that publishes the event.
	Producer string
	// Retention is how long the bus keeps the events; zero means the bus's default.
	Retention time.Duration
	// TopicField, KeyField and TypeField are the fields that hold the label, the key and the type.
	TopicField, KeyField, TypeField *protogen.Field
	// KeyIsUUID is true if the key is a UUID.
	KeyIsUUID bool
}

// Events reads the events of the files, in the schema's order. It returns an error that names the first invalid message.
func Events(files []*protogen.File) ([]*Event, error) {
	var events []*Event
	for _, f := range files {
		for _, m := range f.Messages {
			option := extension[*optionsv1.Event](m.Desc, optionsv1.E_Event)
			if option == nil {
				continue
			}
			e, err := newEvent(m, option)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Desc.FullName(), err)
			}
			events = append(events, e)
		}
	}
	return events, nil
}

func newEvent(m *protogen.Message, option *optionsv1.Event) (*Event, error) {
	e := &Event{
		Message:   m,
		Name:      m.GoIdent.GoName,
		Package:   string(m.Desc.ParentFile().Package()),
		Topic:     option.GetTopic(),
		Label:     option.GetLabel(),
		Producer:  option.GetProducer(),
		Retention: option.GetRetention().AsDuration(),
	}
	if e.Label == "" {
		e.Label = e.Topic
	}
	for _, f := range m.Fields {
		switch string(f.Desc.Name()) {
		case "topic":
			e.TopicField = f
		case "event_type":
			e.TypeField = f
		case option.GetKey():
			e.KeyField = f
			e.KeyIsUUID = ColumnOf(f).GetType() == optionsv1.ColumnType_UUID
		}
	}
	switch {
	case e.Topic == "" || e.Producer == "":
		return nil, errors.New("event.topic or event.producer is missing")
	case e.KeyField == nil:
		return nil, fmt.Errorf("event.key %q is not a field", option.GetKey())
	case e.TopicField == nil:
		return nil, errors.New("the field topic is missing")
	case e.TypeField == nil || e.TypeField.Enum == nil:
		return nil, errors.New("the enum field event_type is missing")
	}
	return e, nil
}

// Socket describes a message that is sent over a WebSocket.
type Socket struct {
	Message *protogen.Message
	// Path is the path of the WebSocket. Description tells clients how to connect.
	Path, Description string
}

// Sockets reads the messages that are sent over WebSockets, in the schema's order.
func Sockets(files []*protogen.File) []*Socket {
	var sockets []*Socket
	for _, f := range files {
		for _, m := range f.Messages {
			if option := extension[*optionsv1.Socket](m.Desc, optionsv1.E_Socket); option != nil {
				sockets = append(sockets, &Socket{Message: m, Path: option.GetPath(), Description: option.GetDescription()})
			}
		}
	}
	return sockets
}
