package postgres_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// Connections die over and over while many callers add. Every call is answered in the end, since callers repeat what the
// ledger could not bring to an end, and nothing is lost or done twice.
func TestLedgerSurvivesTheLossOfItsConnections(t *testing.T) {
	const callers, each, between = 16, 60, 80
	b := newBooks(t)
	replicas := []*postgres.Ledger{b.ledger(postgres.LedgerOptions{}), b.ledger(postgres.LedgerOptions{})}
	players := []uuid.UUID{b.player(), b.player(), b.player(), b.player(), b.player()}
	var answered, killed atomic.Int64
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for i := range each {
				e := credit(players[(caller+i)%len(players)], 100)
				_, err := replicas[(caller+i)%2].Add(t.Context(), e)
				for apperr.CodeOf(err) == apperr.DependencyUnavailable {
					_, err = replicas[i%2].Add(t.Context(), e)
				}
				if err != nil {
					t.Error(err)
				}
				if answered.Add(1)%between == 0 { // the others are under way
					killed.Add(int64(b.terminate()))
				}
			}
		})
	}
	all.Wait()
	if killed.Load() < callers*each/between {
		t.Errorf("only %d connections were killed", killed.Load())
	}
	b.audit(callers * each)
}

// A caller who goes away gets its context's error at once; what becomes of its entry, asking again tells.
func TestLedgerCallersMayGoAway(t *testing.T) {
	b := newBooks(t)
	l := b.ledger(postgres.LedgerOptions{})
	player := b.player()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Add(ended, credit(player, 100)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	b.audit(0)

	// While another session holds the player, calls are under way for as long as it likes.
	release := b.hold(player)
	entries := make([]users.Entry, 8)
	var all sync.WaitGroup
	leave, cancel := context.WithCancel(t.Context())
	for i := range entries {
		entries[i] = credit(player, 100)
		all.Go(func() {
			if _, err := l.Add(leave, entries[i]); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the context's error", err)
			}
		})
	}
	b.untilBlocked()
	cancel()
	all.Wait()
	release()
	for range 2 {
		for _, e := range entries {
			b.add(l, e)
		}
	}
	b.audit(len(entries))
}

// One entry that the database refuses fails alone: its neighbours in the group are added.
func TestLedgerBadEntryFailsAlone(t *testing.T) {
	b := newBooks(t)
	l := b.ledger(postgres.LedgerOptions{})
	b.exec(`ALTER TABLE transactions ADD CONSTRAINT no_bad_text CHECK (description <> 'bad')`)
	const good = 9
	players := make([]uuid.UUID, good)
	for i := range players {
		players[i] = b.player()
		b.add(l, credit(players[i], 100))
	}
	hold := b.player()
	release := b.hold(hold)
	var all sync.WaitGroup
	all.Go(func() { b.addLater(l, credit(hold, 100)) })
	b.untilBlocked() // so that the others form one group
	for i, player := range players {
		all.Go(func() { b.addLater(l, credit(player, 100)) })
		if i%3 == 0 {
			all.Go(func() {
				e := credit(player, 100)
				e.Description = "bad"
				if _, err := l.Add(t.Context(), e); apperr.CodeOf(err) != apperr.Internal {
					t.Errorf("got %v, want INTERNAL", err)
				}
			})
		}
	}
	release()
	all.Wait()
	b.audit(2*good + 1)
}

// A player whom another session holds locked does not hold up the others for longer than a lock may take.
func TestLedgerLockedPlayerFailsAlone(t *testing.T) {
	b := newBooks(t)
	l := b.ledger(postgres.LedgerOptions{LockTimeout: 50 * time.Millisecond})
	locked, free := b.player(), b.player()
	for _, player := range []uuid.UUID{locked, free} {
		b.add(l, credit(player, 100))
	}
	release := b.hold(locked)
	defer release()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := l.Add(t.Context(), credit(locked, 100)); apperr.CodeOf(err) != apperr.DependencyUnavailable {
				t.Errorf("got %v, want DEPENDENCY_UNAVAILABLE", err)
			}
		})
		all.Go(func() { b.addLater(l, credit(free, 100)) })
	}
	all.Wait()
	b.audit(6)
}

func TestLedgerCloseWaitsForItsCalls(t *testing.T) {
	b := newBooks(t)
	l := b.ledger(postgres.LedgerOptions{})
	player := b.player()
	release := b.hold(player)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() { b.addLater(l, credit(player, 100)) })
	}
	b.untilBlocked()
	closed := make(chan struct{})
	go func() {
		l.Close()
		close(closed)
	}()
	// Calls of another player would not have to wait: once one is refused, Close is at work.
	other := b.player()
	added := 5
	for {
		_, err := l.Add(t.Context(), credit(other, 100))
		if apperr.CodeOf(err) == apperr.DependencyUnavailable {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		added++
	}
	select {
	case <-closed:
		t.Error("Close returned before the calls were through")
	default:
	}
	release()
	<-closed
	all.Wait()
	b.audit(added)
}

func TestLedgerRefusesWhatWouldWaitInVain(t *testing.T) {
	b := newBooks(t)
	l := b.ledger(postgres.LedgerOptions{Waiting: 1})
	player := b.player()
	release := b.hold(player)
	var all sync.WaitGroup
	all.Go(func() { b.addLater(l, credit(player, 100)) })
	b.untilBlocked()
	leave, cancel := context.WithCancel(t.Context())
	refused := make(chan error, 2)
	for range cap(refused) { // the first waits, the second is refused
		all.Go(func() {
			_, err := l.Add(leave, credit(player, 100))
			refused <- err
		})
	}
	if err := <-refused; apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("got %v, want DEPENDENCY_UNAVAILABLE", err)
	}
	cancel()
	release()
	all.Wait()
}

// addLater is add for another goroutine than the test's.
func (b *books) addLater(l *postgres.Ledger, e users.Entry) {
	if _, err := l.Add(b.Context(), e); err != nil {
		b.Error(err)
	}
}

// hold locks a player from another session, until the returned function is called.
func (b *books) hold(player uuid.UUID) (release func()) {
	b.Helper()
	tx, err := b.pool.Begin(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := tx.Exec(b.Context(), `SELECT FROM users WHERE id = $1 FOR UPDATE`, player); err != nil {
		b.Fatal(err)
	}
	return sync.OnceFunc(func() {
		if err := tx.Rollback(b.Context()); err != nil {
			b.Error(err)
		}
	})
}

// untilBlocked waits until a ledger waits for a lock.
func (b *books) untilBlocked() {
	b.Helper()
	deadline := time.After(patience)
	for b.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 0 {
		select {
		case <-deadline:
			b.Fatal("no ledger waits for a lock")
		case <-time.After(time.Millisecond):
		}
	}
}
