package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// relayPIDs are the backends of the relays on the pool's database: those that hold a lock as a member.
const relayPIDs = `select pid from pg_locks where locktype = 'advisory' and mode = 'ShareLock' and objsubid = 2
	and database = (select oid from pg_database where datname = current_database())`

// cut ends the connections of all relays and returns how many there were.
func cut(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	var n int
	err := pool.QueryRow(context.Background(), "select count(pg_terminate_backend(pid)) from ("+relayPIDs+") r").Scan(&n)
	if err != nil {
		t.Error(err)
	}
	return n
}

// count appends an event for key whose data is the next number of the key.
func count(ctx context.Context, pool *pgxpool.Pool, key string) error {
	return postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		var n int
		err := tx.QueryRow(ctx, `insert into counters values ($1, 1)
			on conflict (key) do update set n = counters.n + 1 returning n`, key).Scan(&n)
		if err != nil {
			return err
		}
		e := newEvent(key)
		e.Data = fmt.Append(nil, n)
		return outbox.Append(ctx, tx, e)
	})
}

// checkOrder fails unless the first occurrences of each key's events are 1, 2, 3 … each.
func checkOrder(t *testing.T, events []event.Event, keys, each int) {
	t.Helper()
	seen := map[string]bool{}
	last := map[string]int{}
	for _, e := range events {
		if seen[e.ID] {
			continue
		}
		seen[e.ID] = true
		last[e.Key]++
		if string(e.Data) != strconv.Itoa(last[e.Key]) {
			t.Fatalf("key %s: event %s came as number %d", e.Key, e.Data, last[e.Key])
		}
	}
	for key, n := range last {
		if n != each {
			t.Errorf("key %s: %d events of %d", key, n, each)
		}
	}
	if len(last) != keys {
		t.Errorf("%d keys of %d", len(last), keys)
	}
}

func TestEventsOfAKeyStayInOrder(t *testing.T) {
	t.Parallel()
	const undisturbed = "undisturbed"
	for name, disturb := range map[string]func(t *testing.T, pool *pgxpool.Pool, b *bus){
		undisturbed: func(*testing.T, *pgxpool.Pool, *bus) {},
		"the relays' connections are cut while they publish": func(t *testing.T, pool *pgxpool.Pool, b *bus) {
			var batches atomic.Int64
			b.before = func([]event.Event) error {
				if batches.Add(1)%20 == 0 {
					cut(t, pool)
				}
				return nil
			}
		},
		"they are cut between publishing and deleting": func(t *testing.T, pool *pgxpool.Pool, b *bus) {
			var batches atomic.Int64
			b.after = func([]event.Event) error {
				if batches.Add(1)%20 == 0 {
					cut(t, pool)
				}
				return nil
			}
		},
		"the bus refuses now and then, also what it has stored": func(_ *testing.T, _ *pgxpool.Pool, b *bus) {
			var before, after atomic.Int64
			b.before = func([]event.Event) error { return everyNth(&before, 7) }
			b.after = func([]event.Event) error { return everyNth(&after, 11) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const keys, each, appenders = 20, 30, 4
			pool, b := newPool(t), newBus()
			disturb(t, pool, b)
			relays := make([]*outbox.Relay, 3)
			for i := range relays {
				relays[i] = outbox.NewRelay(pool, b, silent(), outbox.Options{Batch: 10, Poll: 20 * time.Millisecond})
				run(t, relays[i])
			}
			var wg sync.WaitGroup
			for a := range appenders {
				wg.Go(func() {
					for i := a; i < keys*each; i += appenders {
						if err := count(t.Context(), pool, strconv.Itoa(i%keys)); err != nil {
							t.Error(err)
						}
						relays[a%len(relays)].Wake()
					}
				})
			}
			wg.Wait()
			b.waitFor(t, keys*each)
			eventually(t, "the outbox is empty", empty(t, pool))
			checkOrder(t, b.all(), keys, each)
			if n := len(b.all()); name == undisturbed && n != keys*each {
				t.Errorf("%d events were published, %d of them twice", n, n-keys*each)
			}
		})
	}
}

var errBusDown = errors.New("broker is down")

func everyNth(calls *atomic.Int64, n int64) error {
	if calls.Add(1)%n == 0 {
		return errBusDown
	}
	return nil
}

func TestACrashBeforeTheDeletePublishesAgain(t *testing.T) {
	pool, b := newPool(t), newBus()
	var crashed atomic.Bool
	b.after = func([]event.Event) error {
		if crashed.CompareAndSwap(false, true) && cut(t, pool) != 1 {
			t.Error("there was no connection to cut")
		}
		return nil
	}
	e := newEvent("k")
	appendAll(t, pool, e)
	run(t, outbox.NewRelay(pool, b, silent(), outbox.Options{}))
	eventually(t, "the outbox is empty", empty(t, pool))
	if got := b.all(); len(got) != 2 || got[0].ID != e.ID || got[1].ID != e.ID {
		t.Errorf("published %+v, want the event twice", got)
	}
}

func TestABusThatFailsIsLoggedOnceAndWaitedFor(t *testing.T) {
	pool, b := newPool(t), newBus()
	var attempts atomic.Int64
	b.before = func([]event.Event) error {
		if attempts.Add(1) <= 3 {
			return errBusDown
		}
		return nil
	}
	var logged syncBuffer
	r := outbox.NewRelay(pool, b, slog.New(slog.NewTextHandler(&logged, nil)), outbox.Options{})
	run(t, r)
	appendAll(t, pool, newEvent("k"), newEvent("k"))
	r.Wake()
	b.waitFor(t, 2)
	eventually(t, "the outbox is empty", empty(t, pool))
	text := logged.String()
	if strings.Count(text, errBusDown.Error()) != 1 || strings.Count(text, "works again") != 1 {
		t.Errorf("after %d attempts it logged:\n%s", attempts.Load(), text)
	}
}

// An hour is longer than a test may take: these relays do nothing unless they are woken.
var asleep = outbox.Options{Poll: time.Hour}

func TestWake(t *testing.T) {
	pool, b := newPool(t), newBus()
	owner := outbox.NewRelay(pool, b, silent(), asleep)
	run(t, owner)
	eventually(t, "the first relay has all shards", func() bool { return shards(t, pool)[0] == outbox.Shards })
	other := outbox.NewRelay(pool, b, silent(), asleep)
	run(t, other)
	eventually(t, "there is a second relay", func() bool { return len(shards(t, pool)) == 2 })

	appendAll(t, pool, newEvent("a"))
	owner.Wake()
	b.waitFor(t, 1)
	appendAll(t, pool, newEvent("b"))
	other.Wake() // which has no shards, and tells the owner
	b.waitFor(t, 2)
}

// shards are the numbers of shards that the relays hold, the greatest first.
func shards(t *testing.T, pool *pgxpool.Pool) []int {
	t.Helper()
	rows, err := pool.Query(t.Context(), `select (select count(*) from pg_locks l where l.pid = r.pid
		and locktype = 'advisory' and mode = 'ExclusiveLock')::int n from (`+relayPIDs+`) r order by n desc`)
	if err != nil {
		t.Fatal(err)
	}
	n, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	return append(n, 0)[:max(len(n), 1)]
}

func TestRelaysShareTheShardsAndTakeOver(t *testing.T) {
	pool, b := newPool(t), newBus()
	o := outbox.Options{Poll: 20 * time.Millisecond}
	stops := make([]func(), 3)
	for i := range stops {
		stops[i] = run(t, outbox.NewRelay(pool, b, silent(), o))
	}
	held := func(want string) func() bool {
		return func() bool { return fmt.Sprint(shards(t, pool)) == want }
	}
	eventually(t, "three have a fair share each", held("[3 3 2]"))
	stops[0]()
	eventually(t, "two have half each", held("[4 4]"))
	stops[1]()
	eventually(t, "one has all", held("[8]"))
	for i := range 20 {
		appendAll(t, pool, newEvent(strconv.Itoa(i)))
	}
	b.waitFor(t, 20)
}

func TestATransactionThatCommitsLateKeepsItsPlace(t *testing.T) {
	pool, b := newPool(t), newBus()
	busy, goOn := make(chan struct{}, 1), make(chan struct{})
	b.before = func(batch []event.Event) error {
		if batch[0].Key == "busy" {
			busy <- struct{}{}
			<-goOn
		}
		return nil
	}
	r := outbox.NewRelay(pool, b, silent(), outbox.Options{Poll: 20 * time.Millisecond})
	run(t, r)
	late, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, second := newEvent("k"), newEvent("k")
	if err := outbox.Append(t.Context(), late, first); err != nil {
		t.Fatal(err)
	}
	// The relay is far ahead when it commits.
	n := 0
	for started := time.Now(); time.Since(started) < 300*time.Millisecond; n++ {
		appendAll(t, pool, newEvent("others"))
		r.Wake()
		b.waitFor(t, n+1)
	}
	appendAll(t, pool, newEvent("busy"))
	r.Wake()
	<-busy
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendAll(t, pool, second)
	goOn <- struct{}{}
	b.waitFor(t, n+3)
	if ids := b.ids(); ids[n+1] != first.ID || ids[n+2] != second.ID {
		t.Errorf("the events of a key changed places")
	}
}

func TestStoppingFinishesTheBatchUnderWay(t *testing.T) {
	pool, b := newPool(t), newBus()
	publishing, release := make(chan struct{}), make(chan struct{})
	b.before = func([]event.Event) error {
		close(publishing)
		<-release
		return nil
	}
	appendAll(t, pool, newEvent("k"))
	stop := run(t, outbox.NewRelay(pool, b, silent(), outbox.Options{}))
	<-publishing
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	close(release)
	<-stopped
	if len(b.all()) != 1 || !empty(t, pool)() {
		t.Errorf("%d events published; outbox empty: %v", len(b.all()), empty(t, pool)())
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
