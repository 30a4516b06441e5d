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

// ReplayGroupHeader is the header of a replayed message that names the group whose handler failed. Other groups skip the
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

// DeadLetter is an event that a group could not handle, as stored in DeadLetterTopic.
type DeadLetter struct {
	// Event is the event that the group received, with its original topic.
	Event Event
	// Group is the group that gave up. Attempts is the number of calls of its handler, and Reason the error of the last one.
	Group    string
	Attempts int
	Reason   string
	// Partition and Offset are the event's position in its topic.
	Partition int32
	Offset    int64
	// Time is when the group gave up, in UTC.
	Time time.Time
	// Truncated means that the event was too large to be stored in the dead letter; Event.Data is empty. Replay reads the
	// event from its position in the topic.
	Truncated bool
	// Replayed means that Replay has sent the event back. A driver may delete replayed dead letters instead.
	Replayed bool
}

// Truncation is how much of an event a driver leaves out of a dead letter because the bus does not accept it whole. A
// driver tries one level after the other: a dead letter that cannot be written would block its partition.
type Truncation int

const (
	// Whole leaves nothing out.
	Whole Truncation = iota
	// NoData leaves out the data.
	NoData
	// NoHeaders leaves out the data, the key and the event's headers. The rest has a small, limited size.
	NoHeaders
)

// Reasons why Replay skips a dead letter. Its errors wrap them.
var (
	// ErrTooLarge means that the topic does not accept the event with the headers of a replay. The dead letter is kept until
	// the topic's limit is raised.
	ErrTooLarge = errors.New("event is larger than the topic accepts")
	// ErrGone means that the topic no longer holds the event of a truncated dead letter.
	ErrGone = errors.New("event is no longer in the topic")
)

// ReplayError returns the error of Replay for a dead letter that it skipped for a reason.
func (d DeadLetter) ReplayError(reason error) error {
	return fmt.Errorf("event %q of group %q, dead since %s, was not replayed: %w",
		d.Event.ID, d.Group, d.Time.UTC().Format(time.RFC3339), reason)
}

// DeadLetterQueue gives operators access to dead letters.
type DeadLetterQueue interface {
	// DeadLetters calls fn for each stored dead letter of the topic, in order per key. It ends with fn's first error.
	DeadLetters(ctx context.Context, topic string, fn func(DeadLetter) error) error
	// Replay sends the topic's dead letters back to the topic with their IDs, for the group that failed, except those that
	// have already been replayed. It returns the number of events sent. The bus keeps the progress for as long as it keeps the
	// dead letters. After an interruption the next call may send some events again. Replay skips dead letters that cannot be
	// sent; its error names them and wraps ErrTooLarge or ErrGone.
	Replay(ctx context.Context, topic string) (int, error)
	// Depth returns the number of the topic's dead letters that have not been replayed.
	Depth(ctx context.Context, topic string) (int64, error)
}

// Headers yields the headers that a dead letter has in addition to the event's.
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

// SetHeader sets the field that a header of Headers holds. It ignores other headers and malformed values, so that an
// operator sees as much of a dead letter as possible.
func (d *DeadLetter) SetHeader(name, value string) {
	switch name {
	case headerReason:
		d.Reason = value
	case headerAttempts:
		d.Attempts, _ = strconv.Atoi(value)
	case headerGroup:
		d.Group = value
	case headerTopic:
		d.Event.Topic = value
	case headerPartition:
		n, _ := strconv.ParseInt(value, 10, 32)
		d.Partition = int32(n)
	case headerOffset:
		d.Offset, _ = strconv.ParseInt(value, 10, 64)
	case headerTime:
		d.Time, _ = time.Parse(time.RFC3339Nano, value)
	case headerTruncated:
		d.Truncated, _ = strconv.ParseBool(value)
	}
}

// IsEventHeader reports whether a header belongs to the event and is copied to its dead letter and back. Headers of dead
// letters and replays are not copied.
func IsEventHeader(header string) bool {
	return header != ReplayGroupHeader && !strings.HasPrefix(header, deadLetterPrefix)
}

// headerText returns s as one line of valid UTF-8 with at most maxReason bytes.
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
