package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/event"
)

// prefetch is the number of messages that a consumer requests in advance. The server sends the next message when the current
// message is acknowledged. prefetch is also the size of the client's buffer for messages and status messages during a long
// handler call. If the buffer were too small and lost the status message that ends a pull request, the partition would wait
// half a minute for the next message.
const prefetch = 8

// errAckWait is the cause of a handler context that is canceled because the server was unreachable for too long.
var errAckWait = errors.New("server unreachable, another member may have the event")

// partition handles the messages of one partition for one subscription, in order.
type partition struct {
	bus    *Bus
	sub    event.Subscription
	log    *slog.Logger
	number int
	// handling is the context of handlers. It ends one grace period after the subscription's context.
	handling context.Context
}

// retryPolicy returns the policy for retries of requests to the server.
func retryPolicy() backoff.Policy {
	return backoff.Policy{Initial: 250 * time.Millisecond, Max: 2 * time.Second, Jitter: 0.5}
}

// Subscribe joins the group. A new group starts with the stream's earliest message. If the server or the stream is not
// available yet, Subscribe retries.
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
	for number := unpartitioned; number < Partitions; number++ {
		p := &partition{bus: b, sub: s, log: log.With("partition", number), number: number, handling: handling}
		partitions.Go(func() { p.run(ctx) })
	}
	partitions.Wait()

	// The client may still buffer the last acknowledgements.
	flush, cancelFlush := context.WithTimeout(context.Background(), flushTimeout)
	defer cancelFlush()
	if err := b.conn.FlushWithContext(flush); err != nil {
		log.Warn("flush failed, some events may be delivered again", "error", err)
	}
	return nil
}

// run handles messages until ctx ends, and retries after every failure.
func (p *partition) run(ctx context.Context) {
	delays := retryPolicy().Delays()
	for ctx.Err() == nil {
		started := time.Now()
		err := p.consume(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		if time.Since(started) > retryPolicy().Max {
			delays.Reset() // the consumer worked for a while
		}
		p.bus.failed(p.log, slog.LevelWarn, "consumer failed, retrying", "error", p.bus.failure("consume", err))
		_ = delays.Sleep(ctx) // the loop checks ctx
	}
}

// consume handles messages until ctx ends or a request to the server fails.
func (p *partition) consume(ctx context.Context) error {
	consumer, err := p.openConsumer(ctx)
	if err != nil {
		return err
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
			err = m.Nak() // prefetched: another member handles it
		case meta.Sequence.Stream <= last:
			err = m.Ack() // redelivered because the acknowledgement was late
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

// durable returns the name of a group's consumer of a subject.
func durable(group, subject string) string { return sanitize(group + "-" + subject) }

// handle handles a message. It reports whether the message is finished: handled, skipped or stored as a dead letter.
func (p *partition) handle(ctx context.Context, m jetstream.Msg, meta *jetstream.MsgMetadata) bool {
	msg := message{
		stream:   meta.Stream,
		subject:  m.Subject(),
		sequence: meta.Sequence.Stream,
		time:     meta.Timestamp,
		header:   m.Headers(),
		data:     m.Data(),
	}
	if !msg.isFor(p.sub.Group) {
		return true
	}
	handling, release := p.extendAckWait(m)
	defer release()

	e, err := msg.decode(p.sub.Topic)
	if err != nil {
		return p.storeDeadLetter(ctx, handling, msg, e, &event.UndeliverableError{Err: err})
	}
	err = p.sub.Deliver(ctx, handling, p.log, e)
	if dead := (*event.UndeliverableError)(nil); errors.As(err, &dead) {
		return p.storeDeadLetter(ctx, handling, msg, e, dead)
	}
	return err == nil
}

// extendAckWait periodically extends the server's ack wait for the message, until release is called. The returned context is
// canceled if the extension fails for too long.
func (p *partition) extendAckWait(m jetstream.Msg) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(p.handling)
	var extending sync.WaitGroup
	extending.Go(func() {
		extended := time.Now()
		for backoff.Sleep(ctx, p.bus.cfg.AckWait/4) == nil {
			if p.bus.conn.IsConnected() && m.InProgress() == nil {
				extended = time.Now()
			} else if time.Since(extended) > p.bus.cfg.AckWait*3/4 {
				cancel(errAckWait)
			}
		}
	})
	return ctx, func() {
		cancel(nil)
		extending.Wait()
	}
}

// storeDeadLetter writes the dead letter and retries until it succeeds. It truncates the dead letter if the server rejects
// it as too large. It reports false if ctx or handling ends first.
func (p *partition) storeDeadLetter(
	ctx, handling context.Context, msg message, e event.Event, dead *event.UndeliverableError,
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
	// Retries use the same message ID, so the stream stores the dead letter only once, even if an acknowledgement is lost.
	id := jetstream.WithMsgID(escape(fmt.Sprintf("%s/%s/%d", p.sub.Group, msg.stream, msg.sequence)))
	log := p.log.With("event", e.ID, "sequence", msg.sequence)
	delays := retryPolicy().Delays()
	for truncation := event.Whole; ; {
		_, err := p.bus.js.PublishMsg(handling, msg.writeDeadLetter(letter, truncation), id)
		if err == nil {
			log.Error("event became a dead letter",
				"attempts", dead.Attempts, "reason", dead.Err, "truncated", truncation > event.Whole)
			p.sub.DeadLettered()
			return true
		}
		if isTooLarge(err) && truncation < event.NoHeaders {
			truncation++
			continue
		}
		p.bus.failed(log, slog.LevelError, "dead letter was not written, retrying", "error", err)
		if handling.Err() != nil || delays.Sleep(ctx) != nil {
			return false
		}
	}
}
