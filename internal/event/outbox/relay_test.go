package outbox_test

import (
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
	"github.com/casino-loyalty/loyalty/internal/logs/logstest"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// relayPIDs selects the backends of the relays in the pool's database, which hold the member lock.
const relayPIDs = `select pid from pg_locks where locktype = 'advisory' and mode = 'ShareLock' and objsubid = 2
	and database = (select oid from pg_database where datname = current_database())`

// killConnections terminates the connections of all relays and returns their number.
func killConnections(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	var n int
	err := pool.QueryRow(context.Background(), "select count(pg_terminate_backend(pid)) from ("+relayPIDs+") r").Scan(&n)
	if err != nil {
		t.Error(err)
	}
	return n
}

// appendNext appends an event whose data is the next number of the key.
func appendNext(ctx context.Context, pool *pgxpool.Pool, key string) error {
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

// checkOrder checks that the events of each key are the numbers 1 to perKey, in order. It ignores repeated publications.
func checkOrder(t *testing.T, events []event.Event, keys, perKey int) {
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
			t.Fatalf("key %s: event %s was published as number %d", e.Key, e.Data, last[e.Key])
		}
	}
	for key, n := range last {
		if n != perKey {
			t.Errorf("key %s: %d events published, want %d", key, n, perKey)
		}
	}
	if len(last) != keys {
		t.Errorf("events of %d keys published, want %d", len(last), keys)
	}
}

func TestRelayKeepsTheOrderOfAKey(t *testing.T) {
	t.Parallel()
	const noFaults = "no faults"
	// Each inject function makes the bus cause faults, and returns the counter of the faults that happened.
	for name, inject := range map[string]func(t *testing.T, pool *pgxpool.Pool, b *fakeBus) (faults *atomic.Int64){
		noFaults: func(*testing.T, *pgxpool.Pool, *fakeBus) *atomic.Int64 { return nil },
		"connections killed during publication": func(t *testing.T, pool *pgxpool.Pool, b *fakeBus) *atomic.Int64 {
			var batches, killed atomic.Int64
			b.before = func([]event.Event) error {
				if batches.Add(1)%20 == 0 {
					killed.Add(int64(killConnections(t, pool)))
				}
				return nil
			}
			return &killed
		},
		"connections killed before the delete": func(t *testing.T, pool *pgxpool.Pool, b *fakeBus) *atomic.Int64 {
			var batches, killed atomic.Int64
			b.after = func([]event.Event) error {
				if batches.Add(1)%20 == 0 {
					killed.Add(int64(killConnections(t, pool)))
				}
				return nil
			}
			return &killed
		},
		"bus refuses batches": func(_ *testing.T, _ *pgxpool.Pool, b *fakeBus) *atomic.Int64 {
			var calls, refused atomic.Int64
			b.before = func([]event.Event) error { return failEvery(7, &calls, &refused) }
			return &refused
		},
		"bus returns errors for stored batches": func(_ *testing.T, _ *pgxpool.Pool, b *fakeBus) *atomic.Int64 {
			var calls, refused atomic.Int64
			b.after = func([]event.Event) error { return failEvery(11, &calls, &refused) }
			return &refused
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const keys, perKey, appenders = 20, 30, 4
			pool, b := newPool(t), newBus()
			faults := inject(t, pool, b)
			relays := make([]*outbox.Relay, 3)
			for i := range relays {
				relays[i] = outbox.NewRelay(pool, b, discardLog(), outbox.Options{Batch: 10, Poll: 20 * time.Millisecond})
				run(t, relays[i])
			}
			var wg sync.WaitGroup
			for a := range appenders {
				wg.Go(func() {
					for i := a; i < keys*perKey; i += appenders {
						if err := appendNext(t.Context(), pool, strconv.Itoa(i%keys)); err != nil {
							t.Error(err)
						}
						relays[a%len(relays)].Wake()
					}
				})
			}
			wg.Wait()
			b.waitFor(t, keys*perKey)
			eventually(t, "the outbox is empty", empty(t, pool))
			checkOrder(t, b.all(), keys, perKey)
			switch n := len(b.all()); {
			case name == noFaults && n != keys*perKey:
				t.Errorf("%d publications of %d events, want no duplicates", n, keys*perKey)
			case name != noFaults && faults.Load() == 0:
				t.Errorf("no fault was injected in %d publications", n)
			}
		})
	}
}

var errBusDown = errors.New("broker is down")

// failEvery returns an error at every nth call and counts the errors.
func failEvery(n int64, calls, failures *atomic.Int64) error {
	if calls.Add(1)%n != 0 {
		return nil
	}
	failures.Add(1)
	return errBusDown
}

func TestCrashBeforeTheDeletePublishesAgain(t *testing.T) {
	pool, b := newPool(t), newBus()
	var crashed atomic.Bool
	b.after = func([]event.Event) error {
		if crashed.CompareAndSwap(false, true) {
			if n := killConnections(t, pool); n != 1 {
				t.Errorf("killed %d connections, want 1", n)
			}
		}
		return nil
	}
	e := newEvent("k")
	appendAll(t, pool, e)
	run(t, outbox.NewRelay(pool, b, discardLog(), outbox.Options{}))
	eventually(t, "the outbox is empty", empty(t, pool))
	if got := b.all(); len(got) != 2 || got[0].ID != e.ID || got[1].ID != e.ID {
		t.Errorf("published %+v, want the event twice", got)
	}
}

func TestBusOutageIsLoggedOnce(t *testing.T) {
	pool, b := newPool(t), newBus()
	var attempts atomic.Int64
	b.before = func([]event.Event) error {
		if attempts.Add(1) <= 3 {
			return errBusDown
		}
		return nil
	}
	var logged logstest.Buffer
	r := outbox.NewRelay(pool, b, slog.New(slog.NewTextHandler(&logged, nil)), outbox.Options{})
	run(t, r)
	appendAll(t, pool, newEvent("k"), newEvent("k"))
	r.Wake()
	b.waitFor(t, 2)
	eventually(t, "the outbox is empty", empty(t, pool))
	text := logged.String()
	if strings.Count(text, errBusDown.Error()) != 1 || strings.Count(text, "bus available again") != 1 {
		t.Errorf("log after %d attempts, want one line for the start and one for the end:\n%s", attempts.Load(), text)
	}
}

func TestWake(t *testing.T) {
	options := outbox.Options{Poll: time.Hour} // the relays read the outbox only if woken
	pool, b := newPool(t), newBus()
	owner := outbox.NewRelay(pool, b, discardLog(), options)
	run(t, owner)
	eventually(t, "the first relay holds all shards", func() bool { return shards(t, pool)[0] == outbox.Shards })
	other := outbox.NewRelay(pool, b, discardLog(), options)
	run(t, other)
	eventually(t, "there is a second relay", func() bool { return len(shards(t, pool)) == 2 })

	appendAll(t, pool, newEvent("a"))
	owner.Wake()
	b.waitFor(t, 1)
	appendAll(t, pool, newEvent("b"))
	other.Wake() // it holds no shards and notifies the owner
	b.waitFor(t, 2)
}

// shards returns the number of shards of each relay, in descending order. It returns one zero if there is no relay.
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

func TestRelaysBalanceShards(t *testing.T) {
	pool, b := newPool(t), newBus()
	o := outbox.Options{Poll: 20 * time.Millisecond}
	stops := make([]func(), 3)
	for i := range stops {
		stops[i] = run(t, outbox.NewRelay(pool, b, discardLog(), o))
	}
	held := func(want string) func() bool {
		return func() bool { return fmt.Sprint(shards(t, pool)) == want }
	}
	eventually(t, "three relays have fair shares", held("[3 3 2]"))
	stops[0]()
	eventually(t, "two relays have half each", held("[4 4]"))
	stops[1]()
	eventually(t, "one relay has all shards", held("[8]"))
	for i := range 20 {
		appendAll(t, pool, newEvent(strconv.Itoa(i)))
	}
	b.waitFor(t, 20)
}

func TestLateCommitKeepsTheOrder(t *testing.T) {
	pool, b := newPool(t), newBus()
	busy, release := make(chan struct{}, 1), make(chan struct{})
	b.before = func(batch []event.Event) error {
		if batch[0].Key == "busy" {
			busy <- struct{}{}
			<-release
		}
		return nil
	}
	r := outbox.NewRelay(pool, b, discardLog(), outbox.Options{Poll: 20 * time.Millisecond})
	run(t, r)
	late, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, second := newEvent("k"), newEvent("k")
	if err := outbox.Append(t.Context(), late, first); err != nil {
		t.Fatal(err)
	}
	// Make the relay read many ids above those of the open transaction.
	const n = 100
	for i := range n {
		appendAll(t, pool, newEvent("others"))
		r.Wake()
		b.waitFor(t, i+1)
	}
	appendAll(t, pool, newEvent("busy"))
	r.Wake()
	<-busy
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendAll(t, pool, second)
	release <- struct{}{}
	b.waitFor(t, n+3)
	if ids := b.ids(); ids[n+1] != first.ID || ids[n+2] != second.ID {
		t.Errorf("events %q were published last, want %q before %q", ids[n+1:], first.ID, second.ID)
	}
}

func TestStopFinishesTheCurrentBatch(t *testing.T) {
	pool, b := newPool(t), newBus()
	publishing, release := make(chan struct{}), make(chan struct{})
	b.before = func([]event.Event) error {
		close(publishing)
		<-release
		return nil
	}
	appendAll(t, pool, newEvent("k"))
	stop := run(t, outbox.NewRelay(pool, b, discardLog(), outbox.Options{}))
	<-publishing
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	close(release)
	<-stopped
	if len(b.all()) != 1 || !empty(t, pool)() {
		t.Errorf("%d events published, outbox empty: %t; want 1, true", len(b.all()), empty(t, pool)())
	}
}
