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

// TestLedgerSurvivesLostConnections kills connections while callers add entries and retry after DEPENDENCY_UNAVAILABLE. Each
// entry must be added exactly once.
func TestLedgerSurvivesLostConnections(t *testing.T) {
	const callers, entriesPerCaller, killEvery = 16, 60, 80
	f := newFixture(t)
	replicas := []replica{f.replica(postgres.LedgerOptions{}), f.replica(postgres.LedgerOptions{})}
	players := f.insertPlayers(5)
	var answered, killed atomic.Int64
	var calls sync.WaitGroup
	for caller := range callers {
		calls.Go(func() {
			for i := range entriesPerCaller {
				e := credit(players[(caller+i)%len(players)], 100)
				_, err := replicas[(caller+i)%2].AddTransaction(t.Context(), e)
				for apperr.CodeOf(err) == apperr.DependencyUnavailable {
					_, err = replicas[i%2].AddTransaction(t.Context(), e)
				}
				if err != nil {
					t.Error(err)
				}
				if answered.Add(1)%killEvery == 0 { // calls of other callers are in flight
					killed.Add(int64(f.killConnections()))
				}
			}
		})
	}
	calls.Wait()
	if killed.Load() < callers*entriesPerCaller/killEvery {
		t.Errorf("%d connections were killed, want at least %d", killed.Load(), callers*entriesPerCaller/killEvery)
	}
	f.checkInvariants(callers * entriesPerCaller)
}

func TestLedgerAddsNothingForCancelledContext(t *testing.T) {
	f := newFixture(t)
	r := f.replica(postgres.LedgerOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.AddTransaction(ctx, credit(f.insertPlayer(), 100)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	f.checkInvariants(0)
}

// TestLedgerCancelledCallsReturn cancels calls while their group waits for a lock. The calls must return immediately, and
// retries must add each entry exactly once.
func TestLedgerCancelledCallsReturn(t *testing.T) {
	f := newFixture(t)
	r := f.replica(postgres.LedgerOptions{})
	player := f.insertPlayer()
	unlock := f.lock(player)
	entries := make([]users.Entry, 8)
	var calls sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for i := range entries {
		entries[i] = credit(player, 100)
		calls.Go(func() {
			if _, err := r.AddTransaction(ctx, entries[i]); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
		})
	}
	f.waitUntilBlocked()
	cancel()
	calls.Wait()
	unlock()
	for range 2 {
		for _, e := range entries {
			f.mustAdd(r, e)
		}
	}
	f.checkInvariants(len(entries))
}

// TestLedgerRefusedEntryFailsAlone adds a group in which some entries violate a constraint of the database. Only those
// entries must fail.
func TestLedgerRefusedEntryFailsAlone(t *testing.T) {
	f := newFixture(t)
	r := f.replica(postgres.LedgerOptions{})
	f.exec(`ALTER TABLE transactions ADD CONSTRAINT no_refused_entry CHECK (description <> 'refused')`)
	players := f.insertPlayers(9)
	for _, player := range players {
		f.mustAdd(r, credit(player, 100))
	}
	locked := f.insertPlayer()
	unlock := f.lock(locked)
	var calls sync.WaitGroup
	calls.Go(func() { f.add(r, credit(locked, 100)) })
	f.waitUntilBlocked() // calls that arrive now form one group
	for i, player := range players {
		calls.Go(func() { f.add(r, credit(player, 100)) })
		if i%3 == 0 {
			calls.Go(func() {
				e := credit(player, 100)
				e.Description = "refused"
				if _, err := r.AddTransaction(t.Context(), e); apperr.CodeOf(err) != apperr.Internal {
					t.Errorf("got %v, want INTERNAL", err)
				}
			})
		}
	}
	unlock()
	calls.Wait()
	f.checkInvariants(2*len(players) + 1)
}

// TestLedgerLockedPlayerFailsAlone locks the row of one player for longer than the lock timeout. Entries of other players
// must be added.
func TestLedgerLockedPlayerFailsAlone(t *testing.T) {
	f := newFixture(t)
	r := f.replica(postgres.LedgerOptions{LockTimeout: 50 * time.Millisecond})
	locked, free := f.insertPlayer(), f.insertPlayer()
	for _, player := range []uuid.UUID{locked, free} {
		f.mustAdd(r, credit(player, 100))
	}
	unlock := f.lock(locked)
	defer unlock()
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			if _, err := r.AddTransaction(t.Context(), credit(locked, 100)); apperr.CodeOf(err) != apperr.DependencyUnavailable {
				t.Errorf("got %v, want DEPENDENCY_UNAVAILABLE", err)
			}
		})
		calls.Go(func() { f.add(r, credit(free, 100)) })
	}
	calls.Wait()
	f.checkInvariants(6)
}

func TestLedgerCloseWaitsForAcceptedCalls(t *testing.T) {
	f := newFixture(t)
	r := f.replica(postgres.LedgerOptions{})
	player := f.insertPlayer()
	unlock := f.lock(player)
	entries := 5
	var calls sync.WaitGroup
	for range entries {
		calls.Go(func() { f.add(r, credit(player, 100)) })
	}
	f.waitUntilBlocked()
	closed := make(chan struct{})
	go func() {
		r.ledger.Close()
		close(closed)
	}()
	// Calls for another player do not wait for the lock. The first refused call shows that Close has started.
	other := f.insertPlayer()
	for {
		_, err := r.AddTransaction(t.Context(), credit(other, 100))
		if apperr.CodeOf(err) == apperr.DependencyUnavailable {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		entries++
	}
	select {
	case <-closed:
		t.Error("Close returned before the accepted calls were answered")
	default:
	}
	unlock()
	<-closed
	calls.Wait()
	f.checkInvariants(entries)
}

func TestLedgerRefusesTooManyWaitingCalls(t *testing.T) {
	f := newFixture(t)
	r := f.replica(postgres.LedgerOptions{MaxWaiting: 1})
	player := f.insertPlayer()
	unlock := f.lock(player)
	var calls sync.WaitGroup
	calls.Go(func() { f.add(r, credit(player, 100)) })
	f.waitUntilBlocked()
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 2)
	for range cap(errs) { // one call waits, the other is refused
		calls.Go(func() {
			_, err := r.AddTransaction(ctx, credit(player, 100))
			errs <- err
		})
	}
	if err := <-errs; apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("got %v, want DEPENDENCY_UNAVAILABLE", err)
	}
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	unlock()
	calls.Wait()
}
