// Package event defines the platform's events and the interfaces to publish, receive and handle them. The drivers are the
// subpackages kafka and jetstream. Both must pass the conformance suite in eventtest.
package event

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// Content types of an event's data. Data without a content type is read as JSON.
const (
	ContentProtobuf = "application/protobuf"
	ContentJSON     = "application/json"
)

// Event is a CloudEvents 1.0 event. Drivers send it in binary mode: the attributes are headers and Data is the body. Drivers
// receive both binary and structured mode; see [Parse].
type Event struct {
	// ID identifies the event. Handlers use it to detect redeliveries. It is at most 1 KiB of valid UTF-8 without control
	// characters; an event with an invalid ID becomes a dead letter. If a message has no ID, the ID is derived from its
	// position in the topic (see [PositionID]), so a redelivery has the same ID.
	ID string
	// Source is the CloudEvents source, such as "/loyalty/users".
	Source string
	// Type is the CloudEvents type, such as "loyalty.users.v1.PLAYER_REGISTERED".
	Type string
	// Topic is the topic's name in the schema, such as "players". A driver may use another name on the broker.
	Topic string
	// Key determines the order: events with the same topic and key are delivered in the order of their publication.
	Key string
	// Time is when the event happened, in UTC. If a message has no time attribute, Time is the message's timestamp on the bus.
	Time time.Time
	// ContentType is the media type of Data in lower case, without parameters. It is empty if the message has no content type.
	ContentType string
	// Data is the payload.
	Data []byte
	// Traceparent is the W3C trace context of the operation that caused the event. It is empty without a trace.
	Traceparent string
}

// Publisher publishes events to the bus.
type Publisher interface {
	// Publish returns nil once the bus has stored every event durably. After an error the bus may have stored the first events
	// of each key. The caller must then publish all events again; consumers see duplicates but no gaps. Publish is safe for
	// concurrent use. Only the events of one call, or of consecutive calls, are ordered.
	Publish(ctx context.Context, events ...Event) error
}

// AttemptTimeout limits one call of a handler, so that an unresponsive dependency does not block a partition.
const AttemptTimeout = 30 * time.Second

// MaxOutage is the default of Retry.Outage: how long an event waits for an unavailable dependency before it becomes a dead
// letter. Later events of the partition wait too, which preserves the order. MaxOutage is far below the retention of every
// topic.
const MaxOutage = time.Hour

// Handler handles an event. Its context ends after AttemptTimeout. It returns nil (done), an error (retry after a delay) or
// an error marked by Permanent (dead letter, no retry). After errors that wrap apperr.DependencyUnavailable, retries end
// after Retry.Outage. After other errors, they end after Retry.Attempts failures. A handler must be idempotent per Event.ID.
// Events of one key are handled one at a time.
type Handler func(ctx context.Context, e Event) error

// Subscription describes a consumer of a topic.
type Subscription struct {
	// Group is the name of the consumer group. Its members share the topic's events; every group receives every event.
	Group string
	// Topic is the topic's name in the schema.
	Topic string
	// Handler handles each event.
	Handler Handler
	// Retry limits the retries of an event before it becomes a dead letter. The zero value is DefaultRetry.
	Retry Retry
	// Observer counts the events, for metrics. It is optional.
	Observer Observer
	// Tracer traces the calls of the handler for events with a Traceparent. It is optional.
	Tracer *tracing.Tracer
}

// Observer counts the events of a subscription. Its methods must not block, and must be safe for concurrent use.
type Observer interface {
	// Handled reports an event that was handled, and how long the last call of the handler took.
	Handled(e Event, took time.Duration)
	// Retried reports a failed call that will be repeated.
	Retried()
	// DeadLettered reports an event that was stored as a dead letter.
	DeadLettered()
}

// Retry configures the retries of a failed event. Later events of the partition wait until the retries end. The delay after
// the first failure is Initial. It doubles with each failure, up to Max. Each delay has a jitter of 50 %. A zero field means
// the value in DefaultRetry.
type Retry struct {
	// Attempts is the maximum number of failures. Failures because of an unavailable dependency do not count.
	Attempts int
	// Initial and Max are the shortest and the longest delay, before jitter.
	Initial, Max time.Duration
	// Outage is how long the event waits for unavailable dependencies, from the first such failure. The time restarts when the
	// event is delivered again, to another member or after a restart.
	Outage time.Duration
}

// DefaultRetry returns a Retry with 12 attempts, which take 16 to 47 seconds. If a dependency is unavailable, the event is
// retried about every 5 seconds for MaxOutage.
func DefaultRetry() Retry {
	return Retry{Attempts: 12, Initial: 100 * time.Millisecond, Max: 5 * time.Second, Outage: MaxOutage}
}

// Subscriber receives events from the bus.
type Subscriber interface {
	// Subscribe delivers events until ctx ends. It then waits for the running handlers, commits the finished events and returns
	// nil. An event is finished when its handler has returned nil or the event is stored as a dead letter. An error means that
	// the subscription could not start.
	Subscribe(ctx context.Context, s Subscription) error
	// Lag returns the number of events of the topic that the group has not finished, over all members and partitions. It
	// returns an error if the bus is unavailable.
	Lag(ctx context.Context, group, topic string) (int64, error)
}

// TopicSpec describes a topic to create.
type TopicSpec struct {
	// Name is the topic's name in the schema.
	Name string
	// Retention is how long the bus keeps an event. Zero means the bus's default.
	Retention time.Duration
}

// Description describes the servers of a bus and some of its topics.
type Description struct {
	// Version is the version of the servers. It is an estimate if the servers do not report it.
	Version string
	// MinSessionTimeout is the shortest session timeout that the servers accept. It is 0 if it is not known.
	MinSessionTimeout time.Duration
	// ServerTimeout is the time after which the others replace a server that has stopped. It is 0 if it is not known.
	ServerTimeout time.Duration
	// Topics has one element per topic, in the order of the request.
	Topics []TopicState
}

// TopicState is the state of a topic. The counts are zero if the topic does not exist. If its partitions differ, each count
// is the lowest.
type TopicState struct {
	Name   string
	Exists bool
	// Replicas is the number of copies of each event, and InSync how many of them are up to date.
	Replicas, InSync int
	// MinInSync is the number of copies that must have an event before it is acknowledged.
	MinInSync int
}

// DeadLetterRetention is the minimum retention of dead letters. It leaves operators time to fix the cause and replay them.
const DeadLetterRetention = 30 * 24 * time.Hour

// Bus is the complete interface of a driver. Its methods are safe for concurrent use.
type Bus interface {
	Publisher
	Subscriber
	DeadLetterQueue
	// EnsureTopics creates each topic and its DeadLetterTopic if they do not exist. It does not change existing topics. It
	// returns an error if replication exceeds the number of brokers. A driver with a fixed number of partitions ignores the
	// argument partitions.
	EnsureTopics(ctx context.Context, partitions, replication int, topics ...TopicSpec) error
	// Describe returns the version of the servers and the state of topics. It changes nothing.
	Describe(ctx context.Context, topics ...string) (Description, error)
	// Ping returns nil if the bus responds.
	Ping(ctx context.Context) error
	// Close ends the subscriptions, waits for them and closes the connections. It is idempotent.
	Close()
}

// DeadLetterTopic returns the name of the topic that holds the dead letters of topic.
func DeadLetterTopic(topic string) string { return topic + ".dlq" }

// Permanent marks err as an error that a retry cannot fix. The event becomes a dead letter immediately.
func Permanent(err error) error { return &permanentError{err} }

// Permanentf returns an error formatted by fmt.Errorf and marked by Permanent.
func Permanentf(format string, args ...any) error { return Permanent(fmt.Errorf(format, args...)) }

// IsPermanent reports whether err or an error that it wraps is marked by Permanent.
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

type permanentError struct{ err error }

func (p *permanentError) Error() string { return p.err.Error() }
func (p *permanentError) Unwrap() error { return p.err }
