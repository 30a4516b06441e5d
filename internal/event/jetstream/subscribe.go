package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/event"
)

const (
	// retryPause is how long a partition waits before it tries the server again.
	retryPause = 500 * time.Millisecond
	// prefetch asks for the next message while one is handled: the server sends it when that one is acknowledged. It is
	// also how much the client keeps that nobody asks it for: room for what the server has to say while a message is
	// handled for long. A lost end of a request would leave the partition without one for half a minute.
	prefetch = 8
)

// errSilent is why a handler's context ends when the server could not be told that it is still at work.
var errSilent = errors.New("the server was out of reach for too long: another member may have the event")

// partition handles the messages of one partition for one subscription, in order.
type partition struct {
	bus    *Bus
	sub    event.Subscription
	log    *slog.Logger
	number int
	// handling is the context of handlers; it outlasts the subscription's by the grace period.
	handling context.Context
}

// Subscribe joins the group. A new group starts with the earliest message that the stream still has. It survives servers
// and streams that are not there yet.
func (b *Bus) Subscribe(ctx context.Context, s event.Subscription) error {
	if err := s.Check(); err != nil {
		return fmt.Errorf("jetstream: %w", err)
	}
	ctx, done, err := b.subscriptions.Begin(ctx)
	if err != nil {
		return fmt.Errorf("jetstream: %w", err)
	}
	defer done()

	log := b.log.With("group", s.Group, "topic", s.Topic)
	handling, cancel := event.WithGrace(ctx, b.cfg.Grace)
	defer cancel()
	var partitions sync.WaitGroup
	for number := plain; number < Partitions; number++ {
		p := &partition{bus: b, sub: s, log: log.With("partition", number), number: number, handling: handling}
		partitions.Go(func() { p.run(ctx) })
	}
	partitions.Wait()

	// The last acknowledgements are on their way only.
	flush, cancelFlush := context.WithTimeout(context.Background(), flushTimeout)
	defer cancelFlush()
	if err := b.conn.FlushWithContext(flush); err != nil {
		log.Warn("progress may not be stored, some events will be delivered again", "error", err)
	}
	return nil
}

// run handles messages until ctx ends, whatever becomes of the server meanwhile.
func (p *partition) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := p.consume(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("cannot consume, trying again", "error", err)
			event.Pause(ctx.Done(), retryPause)
		}
	}
}

// consume handles messages until ctx ends or the server refuses.
func (p *partition) consume(ctx context.Context) error {
	subject := partitionSubject(p.sub.Topic, p.number)
	consumer, err := p.bus.js.CreateOrUpdateConsumer(ctx, streamOf(p.sub.Topic), jetstream.ConsumerConfig{
		Durable:       nameOf(p.sub.Group + "-" + subject),
		FilterSubject: subject,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       p.bus.cfg.AckWait,
		// The order: nothing is sent to any member while a message is under way.
		MaxAckPending: 1,
		MaxDeliver:    -1,
	})
	if err != nil {
		return fmt.Errorf("create consumer: %w", err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(prefetch))
	if err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Drain)()
	var last uint64
	for {
		m, err := messages.Next()
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		switch {
		case ctx.Err() != nil:
			err = m.Nak() // fetched ahead: another member takes it
		case meta.Sequence.Stream <= last:
			err = m.Ack() // sent again because our answer was late
		case p.handle(ctx, m, meta):
			last = meta.Sequence.Stream
			err = m.Ack()
		default:
			err = m.Nak()
		}
		if err != nil {
			return err
		}
	}
}

// handle reports whether the message is through: handled or in the dead letters.
func (p *partition) handle(ctx context.Context, m jetstream.Msg, meta *jetstream.MsgMetadata) bool {
	msg := stored{
		stream:   meta.Stream,
		sequence: meta.Sequence.Stream,
		time:     meta.Timestamp,
		header:   m.Headers(),
		data:     m.Data(),
	}
	if !msg.meantFor(p.sub.Group) {
		return true
	}
	handling, release := p.hold(m)
	defer release()

	e := msg.decode(p.sub.Topic)
	err := p.sub.Deliver(handling, ctx.Done(), p.log, e)
	if dead := (*event.UndeliverableError)(nil); errors.As(err, &dead) {
		return p.writeDeadLetter(handling, ctx.Done(), msg, e, dead)
	}
	return err == nil
}

// hold tells the server again and again that the message is being worked on, until release is called. The context ends
// when the server could not be told in time.
func (p *partition) hold(m jetstream.Msg) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(p.handling)
	var telling sync.WaitGroup
	telling.Go(func() {
		told := time.Now()
		for event.Pause(ctx.Done(), p.bus.cfg.AckWait/4) {
			if p.bus.conn.IsConnected() && m.InProgress() == nil {
				told = time.Now()
			} else if time.Since(told) > p.bus.cfg.AckWait*3/4 {
				cancel(errSilent)
			}
		}
	})
	return ctx, func() {
		cancel(nil)
		telling.Wait()
	}
}

// writeDeadLetter writes the dead letter, for as long as it takes, and as whole as the server takes it.
func (p *partition) writeDeadLetter(
	ctx context.Context, stop <-chan struct{}, msg stored, e event.Event, dead *event.UndeliverableError,
) bool {
	letter := event.DeadLetter{
		Event:     e,
		Group:     p.sub.Group,
		Attempts:  dead.Attempts,
		Reason:    dead.Err.Error(),
		Partition: int32(p.number),
		Offset:    int64(msg.sequence),
		Time:      time.Now(),
	}
	// A letter that is written again because the answer got lost is stored once.
	id := jetstream.WithMsgID(escape(fmt.Sprintf("%s/%s/%d", p.sub.Group, msg.stream, msg.sequence)))
	log := p.log.With("event", e.ID, "sequence", msg.sequence)
	for without := event.Whole; ; {
		_, err := p.bus.js.PublishMsg(ctx, msg.writeDeadLetter(letter, without), id)
		if err == nil {
			log.Error("event went to the dead letters",
				"attempts", dead.Attempts, "reason", dead.Err, "abridged", without > event.Whole)
			return true
		}
		if tooLarge(err) && without < event.NoHeaders {
			without++
			continue
		}
		log.Error("dead letter was not written, trying again", "error", err)
		if ctx.Err() != nil || !event.Pause(stop, retryPause) {
			return false
		}
	}
}
