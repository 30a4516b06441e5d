package postgres_test

import (
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// TestLedgerSettlesLateEntries lets an entry wait for a lock until its time is over. The ledger must then not add it, whether
// or not it has cached the player, and the answer that there is no transaction is final.
func TestLedgerSettlesLateEntries(t *testing.T) {
	f := newFixture(t)
	player := f.insertPlayer()
	cached := f.replica(postgres.LedgerOptions{})
	f.mustAdd(cached, credit(player, 100))
	for name, r := range map[string]replica{"cached": cached, "uncached": f.replica(postgres.LedgerOptions{})} {
		t.Run(name, func(t *testing.T) {
			late := credit(player, 100)
			late.NotAfter = time.Now().Add(time.Second)
			if _, err := r.GetTransaction(t.Context(), player, late.IdempotencyKey, late.NotAfter); apperr.CodeOf(err) !=
				apperr.DependencyUnavailable {
				t.Errorf("before the time is over: got %v, want %s", err, apperr.DependencyUnavailable)
			}
			unlock := f.lock(player)
			defer unlock()
			added := make(chan error, 1)
			go func() {
				_, err := r.AddTransaction(t.Context(), late)
				added <- err
			}()
			f.waitUntilBlocked()
			f.waitUntil(`SELECT count(*) WHERE clock_timestamp() > $1`, late.NotAfter)
			settled := make(chan error, 1)
			go func() {
				_, err := r.GetTransaction(t.Context(), player, late.IdempotencyKey, late.NotAfter)
				settled <- err
			}()
			unlock()
			if err := <-settled; apperr.CodeOf(err) != apperr.NotFound {
				t.Errorf("got %v, want %s", err, apperr.NotFound)
			}
			if err := <-added; apperr.CodeOf(err) != apperr.DependencyUnavailable {
				t.Errorf("got %v for the late entry, want %s", err, apperr.DependencyUnavailable)
			}
		})
	}
	f.checkInvariants(1)
}

// TestLedgerSettlesWithEntriesInFlight asks for a transaction while it is being added.
func TestLedgerSettlesWithEntriesInFlight(t *testing.T) {
	f := newFixture(t)
	player := f.insertPlayer()
	r := f.replica(postgres.LedgerOptions{})
	for range 50 {
		e := credit(player, 100)
		e.NotAfter = time.Now().Add(2 * time.Millisecond)
		added := make(chan error, 1)
		go func() {
			_, err := r.AddTransaction(t.Context(), e)
			added <- err
		}()
		var tx users.Transaction
		var settled error
		for {
			tx, settled = r.GetTransaction(t.Context(), player, e.IdempotencyKey, e.NotAfter)
			if apperr.CodeOf(settled) != apperr.DependencyUnavailable {
				break
			}
		}
		err := <-added
		if (err == nil) != (settled == nil) {
			t.Fatalf("the entry was added with %v, but its transaction is %v with %v", err, tx.ID, settled)
		}
	}
}

// TestLateEntryDoesNotRefuseOthers lets calls of two players wait for a lock. The time limit of one call passes meanwhile. The
// other calls of the group, also those of the same player, are added.
func TestLateEntryDoesNotRefuseOthers(t *testing.T) {
	f := newFixture(t)
	player, other := f.insertPlayer(), f.insertPlayer()
	r := f.replica(postgres.LedgerOptions{})
	f.mustAdd(r, credit(player, 100))
	f.mustAdd(r, credit(other, 100))
	unlock := f.lock(player)
	defer unlock()
	late := credit(player, 100)
	late.NotAfter = time.Now().Add(time.Second)
	results := map[string]chan error{}
	for name, e := range map[string]users.Entry{
		"late": late, "another of the player": credit(player, 100), "of another player": credit(other, 100),
	} {
		added := make(chan error, 1)
		results[name] = added
		go func() {
			_, err := r.AddTransaction(t.Context(), e)
			added <- err
		}()
	}
	f.waitUntilBlocked()
	f.waitUntil(`SELECT count(*) WHERE clock_timestamp() > $1`, late.NotAfter)
	unlock()
	for name, added := range results {
		want := apperr.Code("")
		if name == "late" {
			want = apperr.DependencyUnavailable
		}
		if err := <-added; apperr.CodeOf(err) != want {
			t.Errorf("%s: got %v, want code %q", name, err, want)
		}
	}
	f.checkInvariants(4)
}
