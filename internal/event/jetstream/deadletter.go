package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// replayConsumer is the durable consumer of a dead letter stream that remembers what has been replayed.
const replayConsumer = "loyalty-replay"

// DeadLetters calls fn for each dead letter of the topic, in the order in which they were written.
func (b *Bus) DeadLetters(ctx context.Context, topic string, fn func(event.DeadLetter) error) error {
	stream, err := b.deadLetters(ctx, topic)
	if err != nil {
		return err
	}
	replayed, err := progress(ctx, stream)
	if err != nil {
		return err
	}
	name, state := stream.CachedInfo().Config.Name, stream.CachedInfo().State
	subject := jetstream.WithGetMsgSubject(subjectOf(event.DeadLetterTopic(topic)))
	for sequence := state.FirstSeq; sequence <= state.LastSeq; {
		m, err := stream.GetMsg(ctx, sequence, subject) // the first from there on
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("jetstream: read the dead letters of %s: %w", topic, err)
		}
		d := stored{stream: name, sequence: m.Sequence, time: m.Time, header: m.Header, data: m.Data}.parseDeadLetter(topic)
		d.Replayed = replayed != nil && m.Sequence <= replayed.AckFloor.Stream
		if err := fn(d); err != nil {
			return err
		}
		sequence = m.Sequence + 1
	}
	return nil
}

// Replay sends the dead letters of the topic that were not replayed yet back to it.
func (b *Bus) Replay(ctx context.Context, topic string) (n int, err error) {
	stream, err := b.deadLetters(ctx, topic)
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
		return 0, fmt.Errorf("jetstream: replay %s: %w", topic, err)
	}
	var passed []error
	for left := pending(consumer.CachedInfo()); left > 0; left-- {
		// One that an interrupted replay had under way comes back after AckWait.
		m, err := consumer.Next(jetstream.FetchMaxWait(b.cfg.AckWait + time.Second))
		if err == nil {
			err = b.resend(ctx, topic, m)
		}
		switch {
		case errors.Is(err, event.ErrGone), errors.Is(err, event.ErrTooLarge):
			passed = append(passed, err)
			err = m.DoubleAck(ctx)
		case err == nil:
			n++
			err = m.DoubleAck(ctx)
		}
		if err != nil {
			return n, errors.Join(append(passed, fmt.Errorf("jetstream: replay %s: %w", topic, err))...)
		}
	}
	return n, errors.Join(passed...)
}

// resend publishes the event of a dead letter to the subject on which it came. A letter that it passes over is
// event.ErrGone or event.ErrTooLarge.
func (b *Bus) resend(ctx context.Context, topic string, m jetstream.Msg) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	letter := stored{stream: meta.Stream, sequence: meta.Sequence.Stream, header: m.Headers(), data: m.Data()}
	d := letter.parseDeadLetter(topic)
	// Not the event's ID: the stream would take the replay for a duplicate.
	id := jetstream.WithMsgID(fmt.Sprintf("%s/%d", meta.Stream, meta.Sequence.Stream))
	err = b.send(ctx, topic, letter, d, id)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, event.ErrGone):
		return d.Unsent(err)
	case tooLarge(err):
		// It waits on, behind the others.
		if _, err := b.js.PublishMsg(ctx, letter.copyTo(m.Subject()), id); err != nil {
			return errors.Join(fmt.Errorf("keep a dead letter: %w", err), m.Nak())
		}
		return d.Unsent(event.ErrTooLarge)
	}
	return errors.Join(err, m.Nak())
}

// send publishes the event of a dead letter, from its place in its stream where the letter does not hold it.
func (b *Bus) send(ctx context.Context, topic string, letter stored, d event.DeadLetter, id jetstream.PublishOpt) error {
	source := letter
	if d.Abridged {
		var err error
		if source, err = b.original(ctx, topic, d); err != nil {
			return err
		}
	}
	again := source.travel(partitionSubject(topic, int(d.Partition)))
	again.Header.Set(headerID, escape(source.decode(topic).ID))
	if d.Group != "" {
		again.Header.Set(event.ReplayGroupHeader, d.Group)
	}
	_, err := b.js.PublishMsg(ctx, again, id)
	return err
}

// original reads the message of an abridged dead letter from its place in the topic.
func (b *Bus) original(ctx context.Context, topic string, d event.DeadLetter) (stored, error) {
	stream, err := b.js.Stream(ctx, streamOf(topic))
	if err != nil {
		return stored{}, err
	}
	m, err := stream.GetMsg(ctx, uint64(d.Offset))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return stored{}, event.ErrGone
	}
	if err != nil {
		return stored{}, err
	}
	return stored{stream: streamOf(topic), sequence: m.Sequence, time: m.Time, header: m.Header, data: m.Data}, nil
}

// Depth counts the dead letters of the topic that were not replayed yet.
func (b *Bus) Depth(ctx context.Context, topic string) (int64, error) {
	stream, err := b.deadLetters(ctx, topic)
	if err != nil {
		return 0, err
	}
	replayed, err := progress(ctx, stream)
	if err != nil {
		return 0, err
	}
	if replayed == nil {
		return int64(stream.CachedInfo().State.Msgs), nil
	}
	return pending(replayed), nil
}

func (b *Bus) deadLetters(ctx context.Context, topic string) (jetstream.Stream, error) {
	stream, err := b.js.Stream(ctx, streamOf(event.DeadLetterTopic(topic)))
	if err != nil {
		return nil, fmt.Errorf("jetstream: find the dead letters of %s: %w", topic, err)
	}
	return stream, nil
}

// progress returns how far a dead letter stream was replayed, nil if it never was.
func progress(ctx context.Context, stream jetstream.Stream) (*jetstream.ConsumerInfo, error) {
	consumer, err := stream.Consumer(ctx, replayConsumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, nil //nolint:nilnil // no replay, no progress
	}
	if err != nil {
		return nil, fmt.Errorf("jetstream: read the progress of the replay: %w", err)
	}
	return consumer.CachedInfo(), nil
}

// pending counts what a consumer has not acknowledged.
func pending(info *jetstream.ConsumerInfo) int64 {
	return int64(info.NumPending) + int64(info.NumAckPending)
}
