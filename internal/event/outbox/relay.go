package outbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// Options tunes a relay; the zero value is sane.
type Options struct {
	// Batch is the most events that are published at a time; 0 is 500.
	Batch int
	// Poll is how long an idle relay goes without looking, if nothing wakes it; 0 is 500 ms. Within as long again the
	// shards of a relay that is gone are taken over.
	Poll time.Duration
	// PublishTimeout bounds one attempt at a batch; 0 is 10 seconds.
	PublishTimeout time.Duration
	// Grace is how long the batch under way may still take when the relay is to stop; 0 is 5 seconds.
	Grace time.Duration
}

// The pauses between attempts, of publishing and of reaching the database.
const (
	minPause = 50 * time.Millisecond
	maxPause = 5 * time.Second
)

// announceEvery bounds how often a relay tells the others of new events.
const announceEvery = 2 * time.Millisecond

// Relay publishes the events of one database's outbox. The relays of all replicas divide the shards among themselves;
// each holds a connection of its own beside the pool, and on it the locks of its shards.
//
// A shard's events are read, published and deleted under its lock. The lock dies with the connection, and so does the
// delete: a relay that was cut off can at most publish again what it had read before, and its successor does so too.
// The first occurrences of a key's events therefore always come in order.
type Relay struct {
	pool      *pgxpool.Pool
	publisher event.Publisher
	log       *slog.Logger
	o         Options

	id    string        // marks our own announcements
	wake  chan struct{} // capacity 1: look now
	tell  chan struct{} // capacity 1: tell the other replicas to look
	alone atomic.Bool   // nobody else is there to be told

	connected atomic.Bool // the session works
}

// NewRelay returns a relay that Run starts.
func NewRelay(pool *pgxpool.Pool, publisher event.Publisher, log *slog.Logger, o Options) *Relay {
	o.Batch = cmp.Or(o.Batch, 500)
	o.Poll = cmp.Or(o.Poll, 500*time.Millisecond)
	o.PublishTimeout = cmp.Or(o.PublishTimeout, 10*time.Second)
	o.Grace = cmp.Or(o.Grace, 5*time.Second)
	return &Relay{
		pool: pool, publisher: publisher, log: log, o: o, id: rand.Text(),
		wake: make(chan struct{}, 1), tell: make(chan struct{}, 1),
	}
}

// Wake says that events were committed: call it after the commit. It never blocks and costs next to nothing; the other
// replicas are told in the background, since a NOTIFY within the transactions would make their commits queue up.
func (r *Relay) Wake() {
	signal(r.wake)
	signal(r.tell)
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is to look anyway
	}
}

// Ready returns an error while the relay has no connection with which it can take events out of the outbox: before Run, and
// while the database refuses its session. A bus that is down does not count, because events wait for it in the outbox and
// the service can do everything else.
func (r *Relay) Ready() error {
	if !r.connected.Load() {
		return errors.New("the outbox relay has no connection to the database")
	}
	return nil
}

// Run publishes until ctx ends, then finishes the batch under way and returns nil. It survives every failure of the
// database and of the bus; each is logged when it begins and when it is over.
func (r *Relay) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { r.announce(ctx) })

	database := outageLogger{log: r.log, what: "the database"}
	bus := outageLogger{log: r.log, what: "the bus"}
	for ctx.Err() == nil {
		err := r.serve(ctx, &database, &bus)
		r.alone.Store(false)
		r.connected.Store(false)
		if err != nil && ctx.Err() == nil {
			database.failed(err)
			event.Pause(ctx.Done(), database.pause())
		}
	}
	return nil
}

// serve works on one connection until ctx ends or the connection fails.
func (r *Relay) serve(ctx context.Context, database, bus *outageLogger) error {
	work, cancel := event.WithGrace(ctx, r.o.Grace)
	defer cancel()
	s, err := openSession(ctx, r.pool)
	if err != nil {
		return err
	}
	defer s.close(work)
	for ctx.Err() == nil {
		if err := s.balance(work, r.o.Poll); err != nil {
			return err
		}
		r.alone.Store(len(s.shards) == Shards)
		r.connected.Store(true)
		database.over()
		published, err := r.drain(ctx, work, s, bus)
		if err == nil && published {
			err = s.wait(ctx, r.wake, r.id, r.o.Poll)
		} else if err == nil {
			err = s.pause(ctx, bus.pause())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drain publishes until the outbox is empty, the shards are to be divided anew or ctx ends. It reports false when the
// bus refused; what was not published is then read again, which proves that the shards are still ours. An error is the
// database's.
//
// While a batch is being published the one before is deleted and the next one read.
func (r *Relay) drain(ctx, work context.Context, s *session, bus *outageLogger) (published bool, err error) {
	if len(s.shards) == 0 {
		return true, nil
	}
	current, err := s.next(work, nil, nil, r.o.Batch)
	var done []int64
	for err == nil && len(current.events) > 0 {
		result := make(chan error, 1)
		go func() { result <- r.publish(work, current.events) }()

		limit := r.o.Batch
		if ctx.Err() != nil || s.balanceDue(r.o.Poll) {
			limit = 0
			signal(r.wake) // more may be there
		}
		var following batch
		following, err = s.next(work, done, current.ids, limit)
		if refused := <-result; refused != nil {
			bus.failed(refused)
			s.window.reset() // what was read and not published is to be read again
			return false, err
		}
		bus.over()
		done, current = current.ids, following
	}
	if err != nil {
		return false, err
	}
	_, err = s.next(work, done, nil, 0)
	return true, err
}

func (r *Relay) publish(ctx context.Context, events []event.Event) error {
	ctx, cancel := context.WithTimeout(ctx, r.o.PublishTimeout)
	defer cancel()
	return r.publisher.Publish(ctx, events...)
}

// announce tells the relays of the other replicas of new events, at most every announceEvery. They find them without it
// too, only later, so an error does not matter.
func (r *Relay) announce(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.tell:
		}
		if !r.alone.Load() {
			_, _ = r.pool.Exec(ctx, "select pg_notify($1, $2)", channel, r.id)
		}
		event.Pause(ctx.Done(), announceEvery)
	}
}

// trouble follows something that fails for a while: it logs the first failure and the end of it.
type outageLogger struct {
	log   *slog.Logger
	what  string
	since time.Time
	last  time.Duration
}

func (t *outageLogger) failed(err error) {
	if t.since.IsZero() {
		t.since = time.Now()
		t.log.Error("outbox: "+t.what+" fails, events wait", "error", err)
	}
}

func (t *outageLogger) over() {
	if !t.since.IsZero() {
		t.log.Info("outbox: "+t.what+" works again", "after", time.Since(t.since))
		t.since, t.last = time.Time{}, 0
	}
}

// pause is how long to wait before the next attempt: longer each time, with jitter.
func (t *outageLogger) pause() time.Duration {
	t.last = min(max(2*t.last, minPause), maxPause)
	return t.last/2 + mathrand.N(t.last/2)
}
