package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// replayConsumer is the name of the durable consumer that stores the progress of replays in a dead letter stream.
const replayConsumer = "loyalty-replay"

// DeadLetters implements event.DeadLetterQueue. It calls fn in the order in which the messages were written.
func (b *Bus) DeadLetters(ctx context.Context, topic string, fn func(event.DeadLetter) error) error {
	stream, err := b.deadLetterStream(ctx, topic)
	if err != nil {
		return err
	}
	replayed, err := b.replayProgress(ctx, stream)
	if err != nil {
		return err
	}
	name, state := stream.CachedInfo().Config.Name, stream.CachedInfo().State
	anySubject := jetstream.WithGetMsgSubject(">")
	for sequence := state.FirstSeq; sequence <= state.LastSeq; {
		m, err := stream.GetMsg(ctx, sequence, anySubject) // the first message at or after sequence
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return b.failure("read the dead letters of "+topic, err)
		}
		d := storedMessage(name, m).parseDeadLetter(topic)
		d.Replayed = replayed != nil && m.Sequence <= replayed.AckFloor.Stream
		if err := fn(d); err != nil {
			return err
		}
		sequence = m.Sequence + 1
	}
	return nil
}

// Replay implements event.DeadLetterQueue. A durable consumer stores the progress. It has no filter, so that Replay reports
// invalid messages: it handles the messages that DeadLetters lists.
func (b *Bus) Replay(ctx context.Context, topic string) (n int, err error) {
	stream, err := b.deadLetterStream(ctx, topic)
	if err != nil {
		return 0, err
	}
	consumer, err := stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:       replayConsumer,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       b.cfg.AckWait,
		MaxAckPending: 1,
		MaxDeliver:    -1,
	})
	if err != nil {
		return 0, b.failure("replay "+topic, err)
	}
	var skipped event.Skips
	for left := pending(consumer.CachedInfo()); left > 0; left-- {
		// A message that an interrupted replay did not acknowledge is redelivered after AckWait.
		m, err := consumer.Next(jetstream.FetchMaxWait(b.cfg.AckWait + time.Second))
		if err == nil {
			err = b.replay(ctx, topic, m)
		}
		switch {
		case errors.Is(err, event.ErrGone), errors.Is(err, event.ErrTooLarge), errors.Is(err, event.ErrInvalid):
			skipped.Add(err)
			err = m.DoubleAck(ctx)
		case err == nil:
			n++
			err = m.DoubleAck(ctx)
		}
		if err != nil {
			return n, errors.Join(skipped.Err(), b.failure("replay "+topic, err))
		}
	}
	return n, skipped.Err()
}

// replay publishes the event of a dead letter to its original partition of the topic. If the dead letter must be skipped,
// the error wraps event.ErrGone, event.ErrTooLarge or event.ErrInvalid. After other errors the dead letter is redelivered.
func (b *Bus) replay(ctx context.Context, topic string, m jetstream.Msg) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	letter := message{
		stream: meta.Stream, subject: m.Subject(), sequence: meta.Sequence.Stream, header: m.Headers(), data: m.Data(),
	}
	d := letter.parseDeadLetter(topic)
	if d.Invalid != nil {
		return d.ReplayError(d.Invalid)
	}
	// Do not use the event's ID as message ID: the stream would drop the replay as a duplicate.
	id := jetstream.WithMsgID(fmt.Sprintf("%s/%d", meta.Stream, meta.Sequence.Stream))
	err = b.send(ctx, topic, letter, d, id)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, event.ErrGone), errors.Is(err, event.ErrInvalid):
		return d.ReplayError(err)
	case isTooLarge(err):
		// Keep the dead letter for the next replay: append a copy to the stream. If it has no room for a message ID, a repeated
		// replay may append it twice.
		_, err := b.js.PublishMsg(ctx, letter.copyTo(m.Subject()), id)
		if isTooLarge(err) {
			_, err = b.js.PublishMsg(ctx, letter.copyTo(m.Subject()))
		}
		if err != nil {
			return errors.Join(fmt.Errorf("keep a dead letter: %w", err), m.Nak())
		}
		return d.ReplayError(event.ErrTooLarge)
	}
	return errors.Join(err, m.Nak())
}

// send publishes the event of a dead letter. If the dead letter is truncated, send reads the event from its position in the
// topic.
func (b *Bus) send(ctx context.Context, topic string, letter message, d event.DeadLetter, id jetstream.PublishOpt) error {
	source := letter
	if d.Truncated {
		var err error
		if source, err = b.readOriginal(ctx, topic, d); err != nil {
			return err
		}
	}
	again := source.copyEvent(partitionSubject(topic, int(d.Partition)))
	e, _ := source.decode(topic)
	ensureID(again, e.ID)
	if d.Group != "" {
		again.Header.Set(event.ReplayGroupHeader, d.Group)
	}
	_, err := b.js.PublishMsg(ctx, again, id)
	return err
}

// readOriginal reads the message of a truncated dead letter from its position in the topic. The error wraps event.ErrGone or
// event.ErrInvalid if the stream has no message of the topic's partition there; see parseDeadLetter about other subjects.
func (b *Bus) readOriginal(ctx context.Context, topic string, d event.DeadLetter) (message, error) {
	stream, err := b.js.Stream(ctx, streamOf(topic))
	if err != nil {
		return message{}, err
	}
	m, err := stream.GetMsg(ctx, uint64(d.Offset))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return message{}, event.ErrGone
	}
	if err != nil {
		return message{}, err
	}
	if m.Subject != partitionSubject(topic, int(d.Partition)) {
		return message{}, event.InvalidError("the subject of message %d is %q", d.Offset, m.Subject)
	}
	return storedMessage(streamOf(topic), m), nil
}

// storedMessage returns a message that was read from a stream.
func storedMessage(stream string, m *jetstream.RawStreamMsg) message {
	return message{
		stream: stream, subject: m.Subject, sequence: m.Sequence, time: m.Time, header: m.Header, data: m.Data,
	}
}

// Depth returns the number of dead letters of the topic that were not replayed yet.
func (b *Bus) Depth(ctx context.Context, topic string) (int64, error) {
	stream, err := b.deadLetterStream(ctx, topic)
	if err != nil {
		return 0, err
	}
	replayed, err := b.replayProgress(ctx, stream)
	if err != nil {
		return 0, err
	}
	if replayed == nil {
		return int64(stream.CachedInfo().State.Msgs), nil
	}
	return pending(replayed), nil
}

// deadLetterStream returns the stream of the topic's dead letters. It returns an error if no server is available, instead of
// waiting for one.
func (b *Bus) deadLetterStream(ctx context.Context, topic string) (jetstream.Stream, error) {
	if err := b.connected(ctx); err != nil {
		return nil, err
	}
	stream, err := b.js.Stream(ctx, streamOf(event.DeadLetterTopic(topic)))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("jetstream: find the dead letters of %s: %w: %w", topic, event.ErrNoTopic, err)
	}
	if err != nil {
		return nil, b.failure("find the dead letters of "+topic, err)
	}
	return stream, nil
}

// replayProgress returns the progress of replays in a dead letter stream. It returns nil if there was no replay yet.
func (b *Bus) replayProgress(ctx context.Context, stream jetstream.Stream) (*jetstream.ConsumerInfo, error) {
	consumer, err := stream.Consumer(ctx, replayConsumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, nil //nolint:nilnil // no replay, no progress
	}
	if err != nil {
		return nil, b.failure("read the progress of the replay", err)
	}
	return consumer.CachedInfo(), nil
}

// pending returns the number of messages that are not acknowledged, whether they were delivered or not.
func pending(info *jetstream.ConsumerInfo) int64 {
	return int64(info.NumPending) + int64(info.NumAckPending)
}
