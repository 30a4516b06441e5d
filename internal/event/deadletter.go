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

// ReplayGroupHeader marks a message that Replay sent: only the group that it names handles it, the others, which were
// not the ones that failed, pass it over.
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
	headerAbridged  = deadLetterPrefix + "abridged"
)

// maxReason bounds the text of an error in a header, in bytes.
const maxReason = 1 << 10

// DeadLetter is an event that a group could not handle, as it lies in DeadLetterTopic.
type DeadLetter struct {
	// Event is the event as its group saw it, with the original topic.
	Event Event
	// Group is the one that gave up, after so many Attempts, for the Reason that the last of them gave.
	Group    string
	Attempts int
	Reason   string
	// Partition and Offset are where the event lay in its topic.
	Partition int32
	Offset    int64
	// Time is when the group gave up, UTC.
	Time time.Time
	// Abridged says that the event was too large to be written down whole beside what is said of it here: Data is not
	// there. Replay takes the event from Partition and Offset, while the topic keeps it.
	Abridged bool
	// Replayed says that Replay has already sent the event back. A driver may drop such letters instead.
	Replayed bool
}

// Truncation is what a driver leaves out of a dead letter that the bus does not take whole. Each is tried after the one
// before it: a letter that cannot be written would block its partition for good.
type Truncation int

const (
	// Whole leaves nothing out.
	Whole Truncation = iota
	// NoData leaves out the data.
	NoData
	// NoHeaders leaves out what else came with the event as well: what is left is small whatever came.
	NoHeaders
)

// Why Replay passed a dead letter over; the errors of Replay wrap them.
var (
	// ErrTooLarge says that the topic does not take the event together with what marks it as replayed. The letter waits
	// on, for the day when the limit has been raised.
	ErrTooLarge = errors.New("it is larger than the topic takes")
	// ErrGone says that the topic no longer keeps the event of an abridged letter. There is nothing left to replay.
	ErrGone = errors.New("its event is gone from the topic")
)

// Unsent is the error of Replay for a dead letter that it passed over.
func (d DeadLetter) Unsent(reason error) error {
	return fmt.Errorf("event %s, which group %s gave up at %s, was not sent: %w",
		d.Event.ID, d.Group, d.Time.UTC().Format(time.RFC3339), reason)
}

// DeadLetterQueue is the operator's access to what could not be handled.
type DeadLetterQueue interface {
	// DeadLetters calls fn for each dead letter of the topic that the bus still keeps, in order per key, until fn fails.
	DeadLetters(ctx context.Context, topic string, fn func(DeadLetter) error) error
	// Replay sends each dead letter of the topic that has not been replayed yet back to the topic, for the group that
	// failed, with its ID, and returns how many it sent. Progress is kept by the bus for as long as the letters are. When
	// it is interrupted some may be sent again by the next call, and handlers are idempotent. A letter that cannot be sent
	// stops no other: the error names it, with ErrTooLarge or ErrGone.
	Replay(ctx context.Context, topic string) (int, error)
	// Depth counts the dead letters of the topic that have not been replayed yet.
	Depth(ctx context.Context, topic string) (int64, error)
}

// Headers yields what a dead letter carries beside the event.
func (d DeadLetter) Headers() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		_ = yield(headerReason, headerText(d.Reason)) &&
			yield(headerAttempts, strconv.Itoa(d.Attempts)) &&
			yield(headerGroup, d.Group) &&
			yield(headerTopic, d.Event.Topic) &&
			yield(headerPartition, strconv.FormatInt(int64(d.Partition), 10)) &&
			yield(headerOffset, strconv.FormatInt(d.Offset, 10)) &&
			yield(headerTime, d.Time.UTC().Format(time.RFC3339Nano)) &&
			(!d.Abridged || yield(headerAbridged, strconv.FormatBool(true)))
	}
}

// SetHeader is the inverse of Headers for one of them. Other headers and malformed numbers are ignored: a dead letter is
// shown as far as it can be read.
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
	case headerAbridged:
		d.Abridged, _ = strconv.ParseBool(value)
	}
}

// Travels reports whether a message's header goes with it into the dead letters and back: all do except those that say
// how it got there.
func Travels(header string) bool {
	return header != ReplayGroupHeader && !strings.HasPrefix(header, deadLetterPrefix)
}

// headerText makes an error's text fit to be a header's value: one line of bounded length.
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
