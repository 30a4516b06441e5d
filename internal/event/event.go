// Package event is the platform's vocabulary for asynchronous messages: what an event is, who may publish one and how
// one is handled. Drivers live in the subpackages kafka and jetstream; eventtest is the suite that both must pass.
package event

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Content types of an event's data. An event without one is read as JSON, the form of a record without headers.
const (
	ContentProtobuf = "application/protobuf"
	ContentJSON     = "application/json"
)

// Event is one CloudEvents 1.0 event. On the wire it travels in binary mode: the attributes as headers, Data as the body.
type Event struct {
	// ID identifies the event; handlers are idempotent on it. An event read from a record without ce_id gets one derived
	// from its place (topic, partition, offset), so that a redelivery carries the same ID. It is text of at most a KiB; an
	// event with another goes to the dead letters, since no handler could remember it.
	ID string
	// Source is the CloudEvents source, "/loyalty/users".
	Source string
	// Type is the CloudEvents type, "loyalty.users.v1.PLAYER_REGISTERED".
	Type string
	// Topic is the topic's name as the schema gives it, "players". Drivers may map it to a name of their own.
	Topic string
	// Key orders events: those of one topic and key are delivered in the order in which they were published.
	Key string
	// Time is when the event became true, UTC.
	Time time.Time
	// ContentType is the media type of Data: ContentProtobuf, ContentJSON or empty.
	ContentType string
	// Data is the payload.
	Data []byte
}

// Publisher hands events to the bus.
type Publisher interface {
	// Publish returns nil once every event is stored durably by the bus. On an error any prefix per key may have been
	// stored: the caller publishes all of them again, and consumers see duplicates, never gaps. Safe for concurrent use,
	// but only events of one call, or of calls one after the other, are ordered among themselves.
	Publish(ctx context.Context, events ...Event) error
}

// AttemptTimeout bounds one call of a handler: a dependency that falls silent must not hold a partition for ever.
const AttemptTimeout = 30 * time.Second

// MaxOutage is how long an event waits for a dependency that is away before it goes to the dead letters. Those behind it
// in its partition wait with it, which keeps their order; what they would need the same dependency for gains nothing by
// being put aside. It is far below the retention of every topic.
const MaxOutage = time.Hour

// Handler takes one event, within AttemptTimeout. It returns nil (done), an error (deliver it again, after a pause) or
// Permanent (to the dead letters at once). What is tried again, and for how long, is Retry's to say: an error that holds a
// DEPENDENCY_UNAVAILABLE of package apperr waits for the dependency, any other is given up soon. A handler must be
// idempotent on Event.ID, and it is called by one goroutine at a time for one key.
type Handler func(ctx context.Context, e Event) error

// Subscription says who reads what.
type Subscription struct {
	// Group shares the topic's events among the subscribers of the same name; each group sees every event.
	Group string
	// Topic is the schema's name of the topic.
	Topic string
	// Handler takes each event.
	Handler Handler
	// Retry bounds how long an event is tried before it goes to the dead letters; the zero value is DefaultRetry.
	Retry Retry
}

// Retry says how a failing event is tried again, in its place before those that follow it: after a pause of Initial, then
// of twice as long each time up to Max, with jitter. A field that is zero is that of DefaultRetry.
type Retry struct {
	// Attempts is how often the handler may fail, except for what is away.
	Attempts int
	// Initial and Max are the first pause and the longest.
	Initial, Max time.Duration
	// Outage is how long the event waits for dependencies that are away, counted from the first failure of that kind. A
	// delivery to another member, or after a restart, counts anew.
	Outage time.Duration
}

// DefaultRetry gives up an event that fails by itself after 15 to 31 s and the time that its handler takes, and one whose
// dependency is away after MaxOutage. While a dependency is away it is asked every 5 s at most.
func DefaultRetry() Retry {
	return Retry{Attempts: 12, Initial: 100 * time.Millisecond, Max: 5 * time.Second, Outage: MaxOutage}
}

// Subscriber reads events from the bus.
type Subscriber interface {
	// Subscribe delivers events until ctx ends, then finishes the handlers under way, stores their progress and returns
	// nil. Progress is stored only after a handler returned nil or the event is in the dead letters. An error means that
	// the bus cannot be used.
	Subscribe(ctx context.Context, s Subscription) error
}

// TopicSpec is what a driver needs to know to create a topic.
type TopicSpec struct {
	// Name is the schema's name of the topic.
	Name string
	// Retention is how long the bus keeps an event; zero leaves it to the bus.
	Retention time.Duration
}

// DeadLetterRetention is how long dead letters are kept, at least: somebody has to notice, mend the cause and replay.
const DeadLetterRetention = 30 * 24 * time.Hour

// Bus is all that a driver offers. Methods are safe for concurrent use.
type Bus interface {
	Publisher
	Subscriber
	DeadLetterQueue
	// EnsureTopics creates each topic and its DeadLetterTopic unless it exists; what exists is left as it is. A
	// replication above the number of brokers is an error. Drivers that spread keys over a fixed number of partitions
	// ignore partitions.
	EnsureTopics(ctx context.Context, partitions, replication int, topics ...TopicSpec) error
	// Ping returns nil when the bus answers.
	Ping(ctx context.Context) error
	// Close ends the subscriptions, waits for them and releases the connections.
	Close()
}

// DeadLetterTopic is where the events of topic go that could not be handled.
func DeadLetterTopic(topic string) string { return topic + ".dlq" }

// Permanent marks err as one that trying again cannot mend: the event goes to the dead letters at once.
func Permanent(err error) error { return &permanentError{err} }

// Permanentf is Permanent of fmt.Errorf.
func Permanentf(format string, args ...any) error { return Permanent(fmt.Errorf(format, args...)) }

// IsPermanent reports whether err, or one that it wraps, was marked by Permanent.
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

type permanentError struct{ err error }

func (p *permanentError) Error() string { return p.err.Error() }
func (p *permanentError) Unwrap() error { return p.err }
