package event

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// ReplayGroupHeader is a header of replayed messages. It names the group whose handler failed. Other groups skip the
// message.
const ReplayGroupHeader = "replay-group"

const (
	deadLetterPrefix = "dlq-"

	headerReason    = deadLetterPrefix + "reason"
	headerAttempts  = deadLetterPrefix + "attempts"
	headerGroup     = deadLetterPrefix + "group"
	headerTopic     = deadLetterPrefix + "topic"
	headerPartition = deadLetterPrefix + "partition"
	headerOffset    = deadLetterPrefix + "offset"
	headerTime      = deadLetterPrefix + "time"
	headerTruncated = deadLetterPrefix + "truncated"
)

// maxReason is the maximum length in bytes of an error text in a header.
const maxReason = 1 << 10

// DeadLetter is an event that a group could not handle. It is stored in the topic's DeadLetterTopic.
type DeadLetter struct {
	// Event is the event that the group received, with its original topic.
	Event Event
	// Group is the group that gave up. Attempts is the number of calls of its handler. Reason is the error of the last call.
	Group    string
	Attempts int
	Reason   string
	// Partition and Offset are the event's position in its topic.
	Partition int32
	Offset    int64
	// Time is when the group gave up, in UTC.
	Time time.Time
	// Truncated means that the event was too large for a dead letter. Event.Data is empty, and Replay reads the event from its
	// position in the topic.
	Truncated bool
	// Replayed means that Replay has finished with the dead letter. A driver may delete finished dead letters instead.
	Replayed bool
	// Invalid is the reason why the message is not a dead letter that a group wrote for the topic, or nil. It wraps ErrInvalid.
	// Replay skips the message. Its other fields are what the message claims.
	Invalid error
}

// Truncation is the part of an event that a driver leaves out of a dead letter if the bus does not accept the whole event. A
// driver tries one level after the other, because a dead letter that cannot be written blocks its partition.
type Truncation int

const (
	// Whole leaves nothing out.
	Whole Truncation = iota
	// NoData leaves out the data.
	NoData
	// NoHeaders leaves out the data, the key and the event's headers. The remaining headers are short.
	NoHeaders
)

// Reasons why Replay skips a dead letter. The error of Replay wraps them.
var (
	// ErrTooLarge means that the event exceeds the topic's limit with the headers of a replay. The dead letter is kept, so that
	// it can be replayed after the limit is raised.
	ErrTooLarge = errors.New("event is larger than the topic accepts")
	// ErrGone means that the topic no longer holds the event of a truncated dead letter.
	ErrGone = errors.New("event is no longer in the topic")
	// ErrInvalid means that the message is not a dead letter that a group wrote for the topic.
	ErrInvalid = errors.New("it is not a valid dead letter of the topic")
	// ErrNoTopic means that the topic of the dead letters does not exist.
	ErrNoTopic = errors.New("the topic does not exist")
)

// maxName is the maximum number of characters of an ID or a group in an error of Replay.
const maxName = 200

// ReplayError returns the error of Replay for a skipped dead letter. It wraps reason.
func (d DeadLetter) ReplayError(reason error) error {
	return fmt.Errorf("event %.*q of group %.*q, dead since %s, was not replayed: %w",
		maxName, d.Event.ID, maxName, d.Group, d.Time.UTC().Format(time.RFC3339), reason)
}

// DeadLetterQueue gives operators access to dead letters.
type DeadLetterQueue interface {
	// DeadLetters calls fn for each stored dead letter of the topic, in order per key, and for each invalid message among them.
	// It stops at the first error of fn and returns it.
	DeadLetters(ctx context.Context, topic string, fn func(DeadLetter) error) error
	// Replay sends the events of dead letters back to the topic and returns the number of sent events. It ignores dead letters
	// that were already replayed. A replayed event keeps its ID, and only the group that failed handles it. The bus stores the
	// progress as long as the dead letters. After an interruption the next call may send some events again. Replay skips dead
	// letters that cannot be sent. Its error names them and wraps ErrTooLarge, ErrGone or ErrInvalid; see [Skips].
	Replay(ctx context.Context, topic string) (int, error)
	// Depth returns the number of dead letters of the topic that were not replayed yet, with invalid ones. The error wraps
	// ErrNoTopic if their topic does not exist.
	Depth(ctx context.Context, topic string) (int64, error)
}

// Headers yields the headers that a dead letter adds to the event's headers.
func (d DeadLetter) Headers() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		_ = yield(headerReason, headerText(d.Reason)) &&
			yield(headerAttempts, strconv.Itoa(d.Attempts)) &&
			yield(headerGroup, d.Group) &&
			yield(headerTopic, d.Event.Topic) &&
			yield(headerPartition, strconv.FormatInt(int64(d.Partition), 10)) &&
			yield(headerOffset, strconv.FormatInt(d.Offset, 10)) &&
			yield(headerTime, d.Time.UTC().Format(time.RFC3339Nano)) &&
			(!d.Truncated || yield(headerTruncated, strconv.FormatBool(true)))
	}
}

// ParseDeadLetter returns the dead letter of an event of the topic, with headers of its message. It sets Invalid if a header
// is malformed, or if the headers name another topic or no group. Whoever may write dead letters chooses the headers.
func ParseDeadLetter(e Event, topic string, headers iter.Seq2[string, string]) DeadLetter {
	d := DeadLetter{Event: e}
	d.Event.Topic = ""
	for name, value := range headers {
		d.SetHeader(name, value)
	}
	switch {
	case d.Invalid != nil:
	case d.Event.Topic != topic:
		d.Invalid = InvalidError("its topic is %.*q", maxName, d.Event.Topic)
	case d.Group == "":
		d.Invalid = InvalidError("it has no group")
	}
	return d
}

// InvalidError returns the reason why a message is not a dead letter. It wraps ErrInvalid.
func InvalidError(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
}

// SetHeader sets the field of d that corresponds to a header of Headers. It ignores other headers. A malformed number, time
// or flag becomes the zero value and makes d invalid, so that an operator can still see the rest of the dead letter.
func (d *DeadLetter) SetHeader(name, value string) {
	var err error
	switch name {
	case headerReason:
		d.Reason = value
	case headerAttempts:
		d.Attempts, err = strconv.Atoi(value)
	case headerGroup:
		d.Group = value
	case headerTopic:
		d.Event.Topic = value
	case headerPartition:
		var n int64
		n, err = strconv.ParseInt(value, 10, 32)
		d.Partition = int32(n)
	case headerOffset:
		d.Offset, err = strconv.ParseInt(value, 10, 64)
	case headerTime:
		d.Time, err = time.Parse(time.RFC3339Nano, value)
	case headerTruncated:
		d.Truncated, err = strconv.ParseBool(value)
	}
	if err != nil {
		d.Invalid = InvalidError("its header %s is malformed", name)
	}
}

// IsEventHeader reports whether a header belongs to the event. Drivers copy these headers to the dead letter and to the
// replayed event. They do not copy the headers of dead letters and replays.
func IsEventHeader(header string) bool {
	return header != ReplayGroupHeader && !strings.HasPrefix(header, deadLetterPrefix)
}

// headerText converts s to one line of valid UTF-8 with at most maxReason bytes.
func headerText(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxReason {
		s = s[:maxReason]
	}
	return strings.TrimSpace(strings.ToValidUTF8(s, ""))
}
