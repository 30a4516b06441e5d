// Package busaccess_test writes the permissions of each service on the event bus to deploy/kafka and deploy/nats, and checks
// them with real servers.
package busaccess_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/topics"
)

const (
	// userPrefix precedes the name of a service in the name of its user.
	userPrefix = "loyalty-"
	operator   = userPrefix + "operator"
)

// access is what a service does on the bus.
type access struct {
	// service is also the name of the consumer group.
	service  string
	produces []string // topics
	consumes []string // topics
}

func (a access) user() string { return userPrefix + a.service }

// writes returns the topics to which the service writes: its events, and the dead letters of the topics that it consumes.
func (a access) writes() []string {
	return append(slices.Clone(a.produces), deadLetters(a.consumes)...)
}

func deadLetters(names []string) []string {
	var dead []string
	for _, name := range names {
		dead = append(dead, event.DeadLetterTopic(name))
	}
	return dead
}

// allTopics returns all topics with their dead letter topics.
func allTopics() []string {
	var names []string
	for _, t := range topics.All() {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return append(names, deadLetters(names)...)
}

var (
	newEvent = regexp.MustCompile(`v1event\.New(\w+)\(`)
	onEvent  = regexp.MustCompile(`v1event\.On(\w+)\((\w+)`)
	groupIs  = regexp.MustCompile(`const Group = "(\w+)"`)
)

// services reads from the code of each service which events it publishes and handles. The schema has the events' topics.
func services(t *testing.T) []access {
	t.Helper()
	topicOf, producerOf := map[string]string{}, map[string]string{}
	for _, m := range []proto.Message{
		&usersv1.PlayerEvent{}, &usersv1.TransactionEvent{}, &usersv1.AuditEvent{}, &notificationsv1.NotificationEvent{},
	} {
		options := proto.GetExtension(m.ProtoReflect().Descriptor().Options(), optionsv1.E_Event).(*optionsv1.Event)
		topicOf[string(m.ProtoReflect().Descriptor().Name())] = options.GetTopic()
		producerOf[options.GetTopic()] = options.GetProducer()
	}
	if len(topicOf) != len(topics.All()) {
		t.Fatalf("this test knows %d messages of events, the schema has %d topics", len(topicOf), len(topics.All()))
	}
	var all []access
	for _, name := range []string{"notifications", "promotions", "users"} {
		produces, consumes := map[string]bool{}, map[string]bool{}
		for _, source := range sources(t, filepath.Join("../../services", name)) {
			for _, m := range newEvent.FindAllStringSubmatch(source, -1) {
				produces[topicOf[m[1]]] = true
			}
			for _, m := range onEvent.FindAllStringSubmatch(source, -1) {
				if m[2] != "Group" {
					t.Errorf("%s: the group %s of a consumer is not the constant Group", name, m[2])
				}
				consumes[topicOf[m[1]]] = true
			}
			for _, m := range groupIs.FindAllStringSubmatch(source, -1) {
				if m[1] != name {
					t.Errorf("the consumer group of %s is %s", name, m[1])
				}
			}
		}
		if len(consumes) == 0 || produces[""] || consumes[""] {
			t.Fatalf("%s consumes %v and publishes %v, want topics of the schema", name, consumes, produces)
		}
		for topic, producer := range producerOf {
			if produces[topic] != (producer == name) {
				t.Errorf("%s publishes %s: %t, but the schema's producer is %s", name, topic, produces[topic], producer)
			}
		}
		all = append(all, access{
			service: name, produces: slices.Sorted(maps.Keys(produces)), consumes: slices.Sorted(maps.Keys(consumes)),
		})
	}
	return all
}

// sources returns the Go files of a directory and its subdirectories, without tests.
func sources(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all = append(all, string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
