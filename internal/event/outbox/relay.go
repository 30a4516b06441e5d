package outbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// Options configures a relay. A zero field means its default.
type Options struct {
	// Batch is the maximum number of events in the first batch of a backlog. Later batches grow up to eight times Batch. The
	// default is 500.
	Batch int
	// Poll is the interval at which an idle relay reads the outbox even if nothing wakes it, and at which the relays rebalance
	// the shards. The default is 500 ms.
	Poll time.Duration
	// PublishTimeout limits one attempt to publish a batch. The default is 10 s.
	PublishTimeout time.Duration
	// Grace is how long the current batch may take after the context of Run ends. The default is 5 s.
	Grace time.Duration
	// Tracer traces the publication of events with a Traceparent. It is optional.
	Tracer *tracing.Tracer
}

// The batches of a backlog grow, because a batch waits for the slowest server of the bus. A bus that is too slow for a large
// batch gets small ones again: after a failure, the batches restart at Options.Batch.
const (
	maxGrowth = 8
	// maxGrowthBytes limits the payloads of a batch that has grown, if its events are as large as those of the previous batch.
	maxGrowthBytes = 4 << 20
)

// minAnnounceInterval is the minimum time between two announcements to the other relays.
const minAnnounceInterval = 2 * time.Millisecond

// Relay publishes the events of one database's outbox. The relays of all replicas divide the shards among themselves. Each
// has a connection outside the pool, which holds the advisory locks of its shards.
//
// The events of a shard are read, published and deleted under its lock. If the connection fails, the locks are
// released and a pending delete is rolled back. Events that the relay had already read may then be published twice: by this
// relay and by the next owner of the shard. Apart from such duplicates, the events of a key are published in order.
type Relay struct {
	pool      *pgxpool.Pool
	publisher event.Publisher
	log       *slog.Logger
	o         Options

	id             string        // identifies this relay's announcements
	wake           chan struct{} // capacity 1: read the outbox
	announce       chan struct{} // capacity 1: notify the other relays of new events
	holdsAllShards atomic.Bool   // this relay holds all shards, so there is no other relay to notify
	connected      atomic.Bool   // the connection that holds the locks works

	published atomic.Int64
	failures  atomic.Int64
	shards    atomic.Int64
}

// Stats describes the work of a relay since its creation.
type Stats struct {
	// Published is the number of published events. Failures is the number of batches that the bus did not accept.
	Published, Failures int64
	// Shards is the number of shards that the relay holds now.
	Shards int64
}

// Stats returns the current Stats.
func (r *Relay) Stats() Stats {
	return Stats{Published: r.published.Load(), Failures: r.failures.Load(), Shards: r.shards.Load()}
}

// NewRelay returns a relay. Run starts it.
func NewRelay(pool *pgxpool.Pool, publisher event.Publisher, log *slog.Logger, o Options) *Relay {
	o.Batch = cmp.Or(o.Batch, 500)
	o.Poll = cmp.Or(o.Poll, 500*time.Millisecond)
	o.PublishTimeout = cmp.Or(o.PublishTimeout, 10*time.Second)
	o.Grace = cmp.Or(o.Grace, 5*time.Second)
	return &Relay{
		pool: pool, publisher: publisher, log: log, o: o, id: rand.Text(),
		wake: make(chan struct{}, 1), announce: make(chan struct{}, 1),
	}
}

// Wake makes the relays read the outbox. Call it after a commit with events. It is cheap and never blocks: a background
// goroutine notifies the other replicas, because a NOTIFY in each transaction would serialize the commits.
func (r *Relay) Wake() {
	signal(r.wake)
	signal(r.announce)
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // a signal is already pending
	}
}

// Ready returns an error while the relay has no connection to read the outbox: before Run, and during an outage of the
// database. An unavailable bus is not an error: the events wait in the outbox, and the service works.
func (r *Relay) Ready() error {
	if !r.connected.Load() {
		return errors.New("the outbox relay has no connection to the database")
	}
	return nil
}

// Run publishes events until ctx ends. It then finishes the current batch and returns nil. It retries after failures of the
// database and the bus, and logs the start and the end of each outage.
func (r *Relay) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { r.runAnnouncements(ctx) })

	database, bus := newOutageLogger(r.log, "database"), newOutageLogger(r.log, "bus")
	for ctx.Err() == nil {
		err := r.serve(ctx, database, bus)
		r.holdsAllShards.Store(false)
		r.connected.Store(false)
		r.shards.Store(0)
		if err != nil && ctx.Err() == nil {
			database.failed(err)
			_ = database.delays.Sleep(ctx) // the loop checks ctx
		}
	}
	return nil
}

// serve publishes events on one connection until ctx ends or the connection fails.
func (r *Relay) serve(ctx context.Context, database, bus *outageLogger) error {
	graceCtx, cancel := event.WithGrace(ctx, r.o.Grace)
	defer cancel()
	s, err := openSession(ctx, r.pool)
	if err != nil {
		return err
	}
	defer s.close(graceCtx)
	for ctx.Err() == nil {
		published, err := r.drain(ctx, graceCtx, s, bus)
		if err != nil {
			return err
		}
		acquired, err := s.balance(graceCtx, r.o.Poll)
		if err != nil {
			return err
		}
		r.holdsAllShards.Store(len(s.shards) == Shards)
		r.connected.Store(true)
		r.shards.Store(int64(len(s.shards)))
		database.succeeded()
		switch {
		case !published:
			err = s.sleep(ctx, bus.delays.Next())
		case !acquired:
			err = s.wait(ctx, r.wake, r.id, r.o.Poll)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drain publishes events until the outbox is empty, the shards must be rebalanced or ctx ends. It returns false if the bus
// failed. The next call then reads the unpublished events again, which proves that the relay still holds the shards. drain
// returns an error if the database failed.
//
// While a batch is being published, the previous one is deleted and the next one is read. Each batch of a backlog is larger
// than the previous one, see grow.
func (r *Relay) drain(ctx, graceCtx context.Context, s *session, bus *outageLogger) (published bool, err error) {
	if len(s.shards) == 0 {
		return true, nil
	}
	size := r.o.Batch
	current, err := s.next(graceCtx, nil, nil, size, r.o.Poll)
	var done []int64
	for err == nil && len(current.events) > 0 {
		result := make(chan error, 1)
		go func() { result <- r.publish(graceCtx, current.events) }()

		size = r.grow(size, current.events)
		limit := size
		if ctx.Err() != nil || s.balanceDue(r.o.Poll) {
			limit = 0
			signal(r.wake) // there may be more events
		}
		var following batch
		following, err = s.next(graceCtx, done, current.ids, limit, r.o.Poll)
		if publishErr := <-result; publishErr != nil {
			bus.failed(publishErr)
			s.window.reset() // the unpublished events must be read again
			return false, err
		}
		bus.succeeded()
		done, current = current.ids, following
	}
	if err != nil {
		return false, err
	}
	_, err = s.next(graceCtx, done, nil, 0, r.o.Poll)
	return true, err
}

// grow returns the size of the batch after one of the given size: twice the size if that batch was full and its payloads
// were small.
func (r *Relay) grow(size int, events []event.Event) int {
	bytes := 0
	for _, e := range events {
		bytes += len(e.Data)
	}
	if len(events) < size || 2*bytes > maxGrowthBytes {
		return size
	}
	return min(2*size, maxGrowth*r.o.Batch)
}

func (r *Relay) publish(ctx context.Context, events []event.Event) error {
	ctx, cancel := context.WithTimeout(ctx, r.o.PublishTimeout)
	defer cancel()
	events, end := r.trace(ctx, events)
	err := r.publisher.Publish(ctx, events...)
	end(err)
	if err != nil {
		r.failures.Add(1)
		return err
	}
	r.published.Add(int64(len(events)))
	return nil
}

// trace starts a span for each event with a trace. It returns the events with these spans as their traces, and a function
// that ends the spans.
func (r *Relay) trace(ctx context.Context, events []event.Event) (traced []event.Event, end func(error)) {
	if !r.o.Tracer.Enabled() {
		return events, func(error) {}
	}
	traced = slices.Clone(events) // a failed batch is published again
	var spans []*tracing.Span
	for i, e := range traced {
		spanCtx, span := r.o.Tracer.Child(tracing.WithTraceparent(ctx, e.Traceparent), "publish "+e.Topic, trace.SpanKindProducer)
		if span == nil {
			continue
		}
		e.Describe(span)
		traced[i].Traceparent = tracing.Traceparent(spanCtx)
		spans = append(spans, span)
	}
	return traced, func(err error) {
		for _, span := range spans {
			if err != nil {
				span.Fail("the bus did not accept the event")
			}
			span.End()
		}
	}
}

// runAnnouncements announces new events to the relays of the other replicas, with minAnnounceInterval between two
// announcements. It ignores errors, because the other relays also poll the outbox.
func (r *Relay) runAnnouncements(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.announce:
		}
		if !r.holdsAllShards.Load() {
			_, _ = r.pool.Exec(ctx, "select pg_notify($1, $2)", channel, r.id)
		}
		_ = backoff.Sleep(ctx, minAnnounceInterval) // the loop checks ctx
	}
}
