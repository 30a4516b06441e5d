package kafka

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/event"
)

// Queue limits of a worker. When the queue reaches one of the limits, the worker pauses the fetching of its partition. It
// resumes when the queue is at most half of both limits. A slow partition therefore uses limited memory and does not delay
// the others.
const (
	maxQueueRecords = 512
	maxQueueBytes   = 4 << 20
)

// worker handles the records of a partition in order, during one assignment of the partition.
type worker struct {
	consumer  *consumer
	log       *slog.Logger
	number    int32
	partition map[string][]int32
	// position is the offset after the last finished record. It is zero before the first one.
	position kgo.EpochOffset

	// stopping ends when the worker must not start another record. handling is the context of handlers. It ends when the
	// handler of the current record must stop too.
	stopping context.Context
	handling context.Context
	stop     context.CancelFunc
	abort    context.CancelFunc
	done     chan struct{}

	mu     sync.Mutex
	queue  []*kgo.Record
	bytes  int
	paused bool
	wake   chan struct{}
	// skipping is true from skipLater to the end of skip. tooLarge stands in the queue for the batch to skip.
	skipping bool
	tooLarge *kgo.Record
}

// start starts the worker of a partition. The worker's function stop ends it after the current record, for which the handler
// has the grace period. The function abort cancels the current record too. done is closed when the worker has ended.
func (c *consumer) start(partition int32) *worker {
	stopping, stop := context.WithCancel(c.base)
	handling, abort := event.WithGrace(stopping, c.bus.cfg.Grace)
	w := &worker{
		consumer:  c,
		log:       c.log.With("partition", partition),
		number:    partition,
		partition: map[string][]int32{c.sub.Topic: {partition}},
		tooLarge:  &kgo.Record{},
		stopping:  stopping,
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
		switch r := w.next(); {
		case r == nil:
			return
		case r == w.tooLarge:
			if !w.skip() {
				return
			}
		case !w.handle(r):
			return
		default:
			w.finish(r)
		}
	}
}

// finish marks a record as finished, so that its offset will be committed.
func (w *worker) finish(r *kgo.Record) {
	w.position = kgo.EpochOffset{Epoch: r.LeaderEpoch, Offset: r.Offset + 1}
	w.consumer.client.MarkCommitRecords(r)
}

// handle handles a record. It reports whether the record is finished: handled, skipped or stored as a dead letter.
func (w *worker) handle(r *kgo.Record) bool {
	if !isFor(r, w.consumer.sub.Group) {
		return true
	}
	e, err := decode(r)
	if err != nil {
		return w.storeDeadLetter(r, e, &event.UndeliverableError{Err: err}, event.Whole)
	}
	err = w.consumer.sub.Deliver(w.stopping, w.handling, w.log, e)
	if dead := (*event.UndeliverableError)(nil); errors.As(err, &dead) {
		return w.storeDeadLetter(r, e, dead, event.Whole)
	}
	return err == nil
}

// storeDeadLetter writes the dead letter and retries until it succeeds. It truncates the dead letter further if the topic
// rejects it as too large. It reports false if the worker is stopped first.
func (w *worker) storeDeadLetter(
	r *kgo.Record, e event.Event, dead *event.UndeliverableError, truncation event.Truncation,
) bool {
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
	delays := backoff.Policy{Initial: 250 * time.Millisecond, Max: 5 * time.Second, Jitter: 0.5}.Delays()
	for {
		err := w.consumer.client.ProduceSync(w.handling, writeDeadLetter(r, letter, truncation)).FirstErr()
		if err == nil {
			log.Error("event became a dead letter",
				"attempts", dead.Attempts, "reason", dead.Err, "truncated", truncation > event.Whole)
			w.consumer.sub.DeadLettered()
			return true
		}
		if errors.Is(err, kerr.MessageTooLarge) && truncation < event.NoHeaders {
			truncation++
			continue
		}
		bus := w.consumer.bus
		bus.outages.failed(log, slog.LevelError, "dead letter was not written, retrying", "error", bus.explain(err))
		if delays.Sleep(w.stopping) != nil {
			return false
		}
	}
}

// push adds records to the queue. It does not block.
func (w *worker) push(records []*kgo.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, records...)
	for _, r := range records {
		w.bytes += len(r.Value)
	}
	if !w.paused && (len(w.queue) >= maxQueueRecords || w.bytes >= maxQueueBytes) {
		w.paused = true
		w.consumer.client.PauseFetchPartitions(w.partition)
	}
	w.signal()
}

// signal wakes next.
func (w *worker) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// next waits for the next record in the queue. It returns nil if the worker must stop.
func (w *worker) next() *kgo.Record {
	for w.stopping.Err() == nil {
		if r := w.pop(); r != nil {
			return r
		}
		select {
		case <-w.stopping.Done():
		case <-w.wake:
		}
	}
	return nil
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
	if w.paused && !w.skipping && len(w.queue) <= maxQueueRecords/2 && w.bytes <= maxQueueBytes/2 {
		w.paused = false
		w.consumer.client.ResumeFetchPartitions(w.partition)
	}
	return r
}

// resume resumes fetching when the worker ends. Otherwise the partition would still be paused if it is assigned to this
// member again.
func (w *worker) resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.paused {
		w.paused = false
		w.consumer.client.ResumeFetchPartitions(w.partition)
	}
}
