package kafka

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// A partition is paused when its worker has a queue of highRecords or highBytes, and resumed at half of it. So a slow
// partition costs bounded memory, and the others go on.
const (
	highRecords = 512
	highBytes   = 4 << 20
)

// deadLetterPause is how long a worker waits before it tries again to write a dead letter.
const deadLetterPause = time.Second

// worker handles the records of one partition for the time of one assignment, in order.
type worker struct {
	consumer  *consumer
	log       *slog.Logger
	partition map[string][]int32

	// stopping is closed when the worker should take no further record; handling ends when the record under way should
	// be given up too.
	stopping <-chan struct{}
	handling context.Context
	stop     context.CancelFunc
	abort    context.CancelFunc
	done     chan struct{}

	mu     sync.Mutex
	queue  []*kgo.Record
	bytes  int
	paused bool
	wake   chan struct{}
}

// start starts the worker of a partition. stop ends it after the record under way, for which it has the grace period;
// abort ends it at once. Either way done is closed when it has ended.
func (c *consumer) start(partition int32) *worker {
	ctx, stop := context.WithCancel(c.life)
	handling, abort := event.WithGrace(ctx, c.bus.cfg.Grace)
	w := &worker{
		consumer:  c,
		log:       c.log.With("partition", partition),
		partition: map[string][]int32{c.sub.Topic: {partition}},
		stopping:  ctx.Done(),
		handling:  handling,
		stop:      stop,
		abort:     func() { stop(); abort() },
		done:      make(chan struct{}),
		wake:      make(chan struct{}, 1),
	}
	go func() {
		defer close(w.done)
		defer w.abort()
		w.run()
	}()
	return w
}

func (w *worker) run() {
	defer w.resume()
	for {
		r := w.next()
		if r == nil || !w.handle(r) {
			return
		}
		w.consumer.client.MarkCommitRecords(r)
	}
}

// handle reports whether the record is through: handled or in the dead letters.
func (w *worker) handle(r *kgo.Record) bool {
	if !meantFor(r, w.consumer.sub.Group) {
		return true
	}
	e := decode(r)
	err := w.consumer.sub.Deliver(w.handling, w.stopping, w.log, e)
	if dead := (*event.UndeliverableError)(nil); errors.As(err, &dead) {
		return w.writeDeadLetter(r, e, dead)
	}
	return err == nil
}

// writeDeadLetter writes the dead letter, for as long as it takes, and as whole as the topic takes it.
func (w *worker) writeDeadLetter(r *kgo.Record, e event.Event, dead *event.UndeliverableError) bool {
	letter := event.DeadLetter{
		Event:     e,
		Group:     w.consumer.sub.Group,
		Attempts:  dead.Attempts,
		Reason:    dead.Err.Error(),
		Partition: r.Partition,
		Offset:    r.Offset,
		Time:      time.Now(),
	}
	log := w.log.With("event", e.ID, "offset", r.Offset)
	for without := event.Whole; ; {
		err := w.consumer.client.ProduceSync(w.handling, writeDeadLetter(r, letter, without)).FirstErr()
		if err == nil {
			log.Error("event went to the dead letters",
				"attempts", dead.Attempts, "reason", dead.Err, "abridged", without > event.Whole)
			return true
		}
		if errors.Is(err, kerr.MessageTooLarge) && without < event.NoHeaders {
			without++
			continue
		}
		log.Error("dead letter was not written, trying again", "error", err)
		if !event.Pause(w.stopping, deadLetterPause) {
			return false
		}
	}
}

// push adds records to the queue; it does not block.
func (w *worker) push(records []*kgo.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, records...)
	for _, r := range records {
		w.bytes += len(r.Value)
	}
	if !w.paused && (len(w.queue) >= highRecords || w.bytes >= highBytes) {
		w.paused = true
		w.consumer.client.PauseFetchPartitions(w.partition)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// next waits for a record and returns nil when the worker should stop.
func (w *worker) next() *kgo.Record {
	for {
		select {
		case <-w.stopping:
			return nil
		default:
		}
		if r := w.pop(); r != nil {
			return r
		}
		select {
		case <-w.stopping:
		case <-w.wake:
		}
	}
}

func (w *worker) pop() *kgo.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return nil
	}
	r := w.queue[0]
	w.queue[0] = nil
	w.queue = w.queue[1:]
	w.bytes -= len(r.Value)
	if w.paused && len(w.queue) <= highRecords/2 && w.bytes <= highBytes/2 {
		w.paused = false
		w.consumer.client.ResumeFetchPartitions(w.partition)
	}
	return r
}

// resume undoes a pause: it would outlast the assignment, and the partition may come back.
func (w *worker) resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.paused {
		w.paused = false
		w.consumer.client.ResumeFetchPartitions(w.partition)
	}
}
