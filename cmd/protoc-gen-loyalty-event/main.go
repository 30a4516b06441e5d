// Command protoc-gen-loyalty-event writes typed constructors, decoders and subscriptions for the events of the schema, and
// package topics, which lists all topics.
package main

import (
	"fmt"
	"path"
	"strings"
	"time"

	"google.golang.org/protobuf/compiler/protogen"

	"github.com/casino-loyalty/loyalty/internal/schema"
)

const (
	generator         = "protoc-gen-loyalty-event"
	eventPackage      = schema.Module + "/internal/event"
	eventprotoPackage = schema.Module + "/internal/event/eventproto"
)

func main() { schema.Run(generate) }

func generate(plugin *protogen.Plugin) error {
	events, err := schema.Events(plugin.Files)
	if err != nil || len(events) == 0 {
		return err
	}
	byPackage := map[protogen.GoImportPath][]*schema.Event{}
	var packages []protogen.GoImportPath
	for _, e := range events {
		p := e.Message.GoIdent.GoImportPath
		if byPackage[p] == nil {
			packages = append(packages, p)
		}
		byPackage[p] = append(byPackage[p], e)
	}
	for _, p := range packages {
		writePackage(plugin, p, byPackage[p])
	}
	writeTopics(plugin, packages)
	return nil
}

// writeTopics writes package topics, which lists the topics of all event packages.
func writeTopics(plugin *protogen.Plugin, messages []protogen.GoImportPath) {
	f := schema.NewGoFile(generator, "internal/event/topics/topics_gen.go", "topics")
	f.Doc("Package topics lists every topic of the schema, for the code that creates topics.")
	f.P("// All returns the topics of all event packages.")
	f.P("func All() []", f.Use(eventPackage, "event", "TopicSpec"), " {")
	f.P("return ", f.Use("slices", "slices", "Concat"), "(")
	for _, p := range messages {
		name := eventPackageName(p)
		f.P(f.Use(path.Join(string(p), name), name, "Topics"), "(),")
	}
	f.P(")")
	f.P("}")
	f.Write(plugin)
}

// eventPackageName returns the name of the event package for the message package p, such as "usersv1event".
func eventPackageName(p protogen.GoImportPath) string { return messagePackageName(p) + "event" }

// messagePackageName returns the import name of the message package p in generated code, such as "usersv1".
func messagePackageName(p protogen.GoImportPath) string {
	dir, version := path.Split(string(p))
	return path.Base(dir) + version
}

// writePackage writes the event package for the message package p, in a subfolder of the folder of p.
func writePackage(plugin *protogen.Plugin, p protogen.GoImportPath, events []*schema.Event) {
	messages, name := messagePackageName(p), eventPackageName(p)
	folder := strings.TrimPrefix(string(p), schema.Module+"/")
	f := schema.NewGoFile(generator, path.Join(folder, name, "events_gen.go"), name)
	f.Doc("Package " + name + " publishes and handles the events of package " + events[0].Package + ".")
	f.P("// The topics.")
	f.P("const (")
	for _, e := range events {
		f.P(schema.GoName(e.Topic), "Topic = \"", e.Topic, "\"")
	}
	f.P(")")
	f.P()
	f.P("// Topics returns the topics, for the code that creates them.")
	f.P("func Topics() []", f.Use(eventPackage, "event", "TopicSpec"), " {")
	f.P("return []event.TopicSpec{")
	for _, e := range events {
		f.P("{Name: ", schema.GoName(e.Topic), "Topic, Retention: ", duration(f, e.Retention), "},")
	}
	f.P("}")
	f.P("}")
	for _, e := range events {
		writeEvent(f, e, f.Use(string(p), messages, e.Name))
	}
	f.Write(plugin)
}

func duration(f *schema.GoFile, d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d * %s", d/time.Hour, f.Use("time", "time", "Hour"))
	}
	return fmt.Sprintf("%d", d)
}

func writeEvent(f *schema.GoFile, e *schema.Event, message string) {
	topic := schema.GoName(e.Topic) + "Topic"
	writeNew(f, e, message, topic)
	writeDecode(f, e, message)
	writeOn(f, e, message, topic)
	writeCheck(f, e, message)
}

func writeNew(f *schema.GoFile, e *schema.Event, message, topic string) {
	f.P()
	f.CommentText("New" + e.Name + " returns the event with payload m and sets m's field " + string(e.TopicField.Desc.Name()) +
		". It returns an error if m has no type or no key.")
	f.P("func New", e.Name, "(id ", f.Use("github.com/google/uuid", "uuid", "UUID"),
		", at ", f.Use("time", "time", "Time"), ", m *", message, ") (event.Event, error) {")
	f.P("if err := check", e.Name, "(m); err != nil {")
	f.P("return event.Event{}, ", f.Use("fmt", "fmt", "Errorf"), "(\"", e.Package, ".", e.Name, ": %w\", err)")
	f.P("}")
	f.P("m.", e.TopicField.GoName, " = \"", e.Label, "\"")
	f.P("return ", f.Use(eventprotoPackage, "eventproto", "Encode"), "(event.Event{")
	f.P("ID: id.String(),")
	f.P("Source: \"/loyalty/", e.Producer, "\",")
	f.P("Type: \"", e.Package, ".\" + m.Get", e.TypeField.GoName, "().String(),")
	f.P("Topic: ", topic, ",")
	f.P("Key: m.Get", e.KeyField.GoName, "(),")
	f.P("Time: at.UTC(),")
	f.P("}, m)")
	f.P("}")
}

func writeDecode(f *schema.GoFile, e *schema.Event, message string) {
	f.P()
	f.CommentText("Decode" + e.Name + " returns the payload of an event of topic " + e.Topic + ". Its errors are permanent. " +
		"The payload of a newer release may have a type that this schema does not know.")
	f.P("func Decode", e.Name, "(e event.Event) (*", message, ", error) {")
	f.P("m := &", message, "{}")
	f.P("if err := ", f.Use(eventprotoPackage, "eventproto", "Decode"), "(e, m); err != nil {")
	f.P("return nil, err")
	f.P("}")
	f.P("if err := check", e.Name, "(m); err != nil {")
	f.P("return nil, event.Permanentf(\"", e.Package, ".", e.Name, ": %w\", err)")
	f.P("}")
	f.P("return m, nil")
	f.P("}")
}

func writeOn(f *schema.GoFile, e *schema.Event, message, topic string) {
	f.P()
	f.CommentText("On" + e.Name + " subscribes group to topic " + e.Topic + ". An event that cannot be decoded becomes a " +
		"dead letter. handle must ignore types that it does not know.")
	f.P("func On", e.Name, "(group string, handle func(", f.Use("context", "context", "Context"),
		", event.Event, *", message, ") error) event.Subscription {")
	f.P("return event.Subscription{Group: group, Topic: ", topic,
		", Handler: func(ctx context.Context, e event.Event) error {")
	f.P("m, err := Decode", e.Name, "(e)")
	f.P("if err != nil {")
	f.P("return err")
	f.P("}")
	f.P("return handle(ctx, e, m)")
	f.P("}}")
	f.P("}")
}

// writeCheck writes a function that returns an error if an event has no type or no valid key.
func writeCheck(f *schema.GoFile, e *schema.Event, message string) {
	eventproto := func(name string) string { return f.Use(eventprotoPackage, "eventproto", name) }
	check := "CheckKey"
	if e.KeyIsUUID {
		check = "CheckUUID"
	}
	f.P()
	f.P("func check", e.Name, "(m *", message, ") error {")
	f.P("if err := ", eventproto("CheckType"), "(\"", e.TypeField.Desc.JSONName(), "\", m.Get", e.TypeField.GoName,
		"()); err != nil {")
	f.P("return err")
	f.P("}")
	f.P("return ", eventproto(check), "(\"", e.KeyField.Desc.JSONName(), "\", m.Get", e.KeyField.GoName, "())")
	f.P("}")
}
