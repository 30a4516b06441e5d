package postgres_test

import (
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// promotional returns a credit for a promotion.
func promotional(player uuid.UUID) users.Entry {
	e := credit(player, 100)
	e.Purpose = users.TransactionPurposePromotion
	return e
}

// TestLedgerRefusesPromotionsWithoutPurpose adds a credit as promotions of an older release sends it.
func TestLedgerRefusesPromotionsWithoutPurpose(t *testing.T) {
	f := newFixture(t)
	player := f.create("p@example.com", authn.RolePlayer)
	f.restrict(restriction(player.ID))
	e := credit(player.ID, 100)
	e.AdditionalData = map[string]any{"promotionId": "7"}
	ledger := f.replica(postgres.LedgerOptions{})
	if _, err := ledger.AddTransaction(t.Context(), e); apperr.CodeOf(err) != apperr.PlayerRestricted {
		t.Errorf("a credit for a promotion: got %v, want PLAYER_RESTRICTED", err)
	}
	f.mustAdd(ledger, credit(player.ID, 100))
}

// TestLedgerRefusesRestrictedPlayers adds entries of restricted players on a ledger that has cached the players from before
// their restriction, and on one that has not.
func TestLedgerRefusesRestrictedPlayers(t *testing.T) {
	f := newFixture(t)
	cached := f.replica(postgres.LedgerOptions{})
	for name, tt := range map[string]struct {
		restrict func(player uuid.UUID)
		want     apperr.Code
	}{
		"not restricted": {func(uuid.UUID) {}, ""},
		"restricted":     {func(player uuid.UUID) { f.restrict(restriction(player)) }, apperr.PlayerRestricted},
		"with an end": {func(player uuid.UUID) {
			r := restriction(player)
			r.Until = time.Now().Add(time.Hour)
			f.restrict(r)
		}, apperr.PlayerRestricted},
		"expired": {func(player uuid.UUID) {
			r := restriction(player)
			r.Until = time.Now().Add(-time.Millisecond)
			f.restrict(r)
		}, ""},
		"lifted": {func(player uuid.UUID) {
			kind := f.restrict(restriction(player)).Kind
			if err := f.lift(t.Context(), uuid.Nil, player, kind); err != nil {
				t.Fatal(err)
			}
		}, ""},
		"opted out": {func(player uuid.UUID) {
			r := restriction(player)
			r.Kind = users.RestrictionKindMarketingOptOut
			f.restrict(r)
		}, ""},
		"by the player and an employee": {func(player uuid.UUID) {
			r := restriction(player)
			f.restrict(r)
			r.ID, r.ByPlayer, r.Until = newID(t), true, time.Now().Add(-time.Millisecond)
			f.restrict(r)
		}, apperr.PlayerRestricted},
	} {
		t.Run(name, func(t *testing.T) {
			player := f.insertPlayer()
			first := promotional(player)
			booked := f.mustAdd(cached, first)
			tt.restrict(player)
			for name, r := range map[string]replica{"cached": cached, "uncached": f.replica(postgres.LedgerOptions{})} {
				e := promotional(player)
				tx, err := r.AddTransaction(t.Context(), e)
				if apperr.CodeOf(err) != tt.want {
					t.Errorf("%s: got %v, want %q", name, err, tt.want)
				}
				if n := f.count("SELECT count(*) FROM transactions WHERE id = $1 AND purpose = 'PROMOTION'", tx.ID); (n == 1) != (tt.want == "") {
					t.Errorf("%s: the ledger has %d transactions of the credit", name, n)
				}
				if again, err := r.AddTransaction(t.Context(), first); err != nil || again.ID != booked.ID {
					t.Errorf("%s: a repeated credit: got %+v, %v, want the first transaction", name, again, err)
				}
				old := first // of a replica of an older release
				old.Purpose = ""
				if again, err := r.AddTransaction(t.Context(), old); err != nil || again.ID != booked.ID {
					t.Errorf("%s: a repeated credit without a purpose: got %+v, %v, want the first transaction", name, again, err)
				}
				f.mustAdd(r, credit(player, 100))
				f.mustAdd(r, debit(player, 50))
			}
		})
	}
}

// TestNoPromotionalCreditAfterRestrictions restricts players while two replicas add credits to them, with the players in
// their caches and in common groups. After a restriction is answered, no promotional credit may be added: not by a call that
// began before, and not by a replica that has cached the player.
func TestNoPromotionalCreditAfterRestrictions(t *testing.T) {
	const callersPerPlayer, refusals = 4, 40
	f := newFixture(t)
	replicas := []replica{f.replica(postgres.LedgerOptions{}), f.replica(postgres.LedgerOptions{})}
	players := f.insertPlayers(6)
	added := make([]sync.Map, len(players)) // the acknowledged promotional credits of each player, by transaction
	var callers sync.WaitGroup
	for i, player := range players {
		var refused atomic.Int64
		for caller := range callersPerPlayer {
			callers.Go(func() {
				for n := caller; refused.Load() < refusals; n++ {
					r, e := replicas[n%len(replicas)], promotional(player)
					switch tx, err := r.AddTransaction(t.Context(), e); apperr.CodeOf(err) {
					case "":
						added[i].Store(tx.ID, e)
					case apperr.PlayerRestricted:
						refused.Add(1)
					default:
						t.Error(err)
						return
					}
					f.add(r, credit(player, 1))
				}
			})
		}
	}
	credits := func(player uuid.UUID) int {
		return f.count("SELECT count(*) FROM transactions WHERE user_id = $1 AND purpose = 'PROMOTION'", player)
	}
	answered := make([]int, len(players)) // the number of credits when the restriction was answered
	restrictions := make([]uuid.UUID, len(players))
	for i, player := range players {
		f.waitUntil("SELECT count(*) / 50 FROM transactions WHERE user_id = $1", player)
		restrictions[i] = f.restrict(restriction(player)).ID
		answered[i] = credits(player)
	}
	callers.Wait()
	for i, player := range players {
		booked := maps.Collect(added[i].Range)
		if n := credits(player); n != answered[i] || n != len(booked) {
			t.Errorf("%d promotional credits, and %d acknowledged ones, want the %d at the time of the restriction", n, len(booked), answered[i])
		}
		n := f.count(`SELECT count(*) FROM transactions t JOIN restrictions r USING (user_id)
			WHERE r.id = $1 AND t.seq > r.entries AND t.purpose = 'PROMOTION'`, restrictions[i])
		if n != 0 {
			t.Errorf("%d promotional credits have a higher number than the last entry before the restriction", n)
		}
		for id, e := range booked {
			if tx, err := replicas[0].AddTransaction(t.Context(), e.(users.Entry)); err != nil || tx.ID != id.(uuid.UUID) {
				t.Errorf("a repeated credit: got %+v, %v, want transaction %s", tx, err, id)
			}
		}
	}
}

// TestRestrictionsWaitForCredits checks that a restriction is answered after the credit of a running commit, and before the
// next.
func TestRestrictionsWaitForCredits(t *testing.T) {
	f := newFixture(t)
	player := f.create("p@example.com", authn.RolePlayer).ID
	r := f.replica(postgres.LedgerOptions{})
	f.mustAdd(r, promotional(player))
	unlock := f.lock(player)
	errs := make(chan error, 2)
	go func() { errs <- second(f.setRestriction(t.Context(), uuid.Nil, restriction(player))) }()
	f.waitUntilBlocked() // the restriction is the first in the queue for the lock
	go func() { errs <- second(r.AddTransaction(t.Context(), promotional(player))) }()
	f.waitUntil("SELECT count(*) / 2 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
	unlock()
	codes := map[apperr.Code]int{}
	for range cap(errs) {
		codes[apperr.CodeOf(<-errs)]++
	}
	if want := map[apperr.Code]int{"": 1, apperr.PlayerRestricted: 1}; !maps.Equal(codes, want) {
		t.Errorf("got %v, want %v", codes, want)
	}
}
