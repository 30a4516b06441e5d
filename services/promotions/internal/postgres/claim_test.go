package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

func TestClaim(t *testing.T) {
	t.Parallel()
	w := start(t)
	player, p := w.assigned()
	claimed, err := w.service.Claim(t.Context(), player, p.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	if a := claimed.Assignment; !a.Claimed || a.TransactionID != claimed.Transaction.ID || a.ClaimedAt.IsZero() || a.Amount != 2000 {
		t.Errorf("claimed %+v", claimed)
	}
	_, err = w.service.Claim(t.Context(), player, p.ID, "")
	w.wantCode(err, apperr.PromotionAlreadyClaimed)
	if got := apperr.From(err).Meta["transactionId"]; got != claimed.Transaction.ID.String() {
		t.Errorf("transactionId is %q", got)
	}
	_, err = w.service.Claim(t.Context(), uuid.New(), p.ID, "")
	w.wantCode(err, apperr.NotFound)
	_, err = w.service.Claim(t.Context(), player, uuid.New(), "")
	w.wantCode(err, apperr.NotFound)
}

func TestFailedCreditLeavesTheAssignmentUnclaimed(t *testing.T) {
	t.Parallel()
	w := start(t)
	player, p := w.assigned()
	w.ledger.fail = apperr.New(apperr.DependencyUnavailable, "the ledger cannot be reached")
	_, err := w.service.Claim(t.Context(), player, p.ID, "k")
	w.wantCode(err, apperr.DependencyUnavailable)
	no := false
	list, err := w.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{Claimed: &no}, keyset.PageRequest[uuid.UUID]{Size: 10})
	if err != nil || list.Total != 1 || list.Items[0].Promotion == nil {
		t.Errorf("got %+v, %v, want one unclaimed assignment", list, err)
	}
	w.ledger.fail = nil
	if _, err := w.service.Claim(t.Context(), player, p.ID, "k"); err != nil {
		t.Errorf("claim after the ledger is back: %v", err)
	}
}

func TestClaimWithAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	w := start(t)
	player, p := w.assigned()
	first, err := w.service.Claim(t.Context(), player, p.ID, "k")
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.service.Claim(t.Context(), player, p.ID, "k")
	if err != nil || again.Assignment != first.Assignment || again.Transaction.ID != first.Transaction.ID {
		t.Errorf("first %+v, then %+v, %v", first, again, err)
	}
	_, err = w.service.Claim(t.Context(), player, p.ID, "other")
	w.wantCode(err, apperr.PromotionAlreadyClaimed)
	q := w.promotion(promotions.PromotionTypeBonus, 0, 0)
	if _, err := w.service.Assign(t.Context(), q.ID, []uuid.UUID{player}, uuid.New()); err != nil {
		t.Fatal(err)
	}
	_, err = w.service.Claim(t.Context(), player, q.ID, "k")
	w.wantCode(err, apperr.IdempotencyMismatch)
	if len(w.ledger.paid) != 1 {
		t.Errorf("got %d credits, want 1", len(w.ledger.paid))
	}
}

// The claim that fails because of its key is not paid.
func TestConcurrentClaimsOfTwoPromotionsWithOneKey(t *testing.T) {
	t.Parallel()
	w := start(t)
	player, p := w.assigned()
	q := w.promotion(promotions.PromotionTypeBonus, 0, 0)
	if _, err := w.service.Assign(t.Context(), q.ID, []uuid.UUID{player}, uuid.New()); err != nil {
		t.Fatal(err)
	}
	barrier := &keyBarrier{Store: postgres.New(w.pool, func() {})}
	barrier.checked.Add(2)
	service := promotions.New(barrier, w.ledger, time.Now)
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[apperr.Code]int{}
	for _, id := range []uuid.UUID{p.ID, q.ID} {
		wg.Go(func() {
			_, err := service.Claim(t.Context(), player, id, "k")
			mu.Lock()
			defer mu.Unlock()
			codes[apperr.CodeOf(err)]++
		})
	}
	wg.Wait()
	if codes[""] != 1 || codes[apperr.IdempotencyMismatch] != 1 || len(w.ledger.paid) != 1 {
		t.Errorf("got codes %v and %d credits; want one success, one IDEMPOTENCY_MISMATCH and one credit", codes, len(w.ledger.paid))
	}
}

// keyBarrier makes each claim wait, after it checked its key, until all claims have done so.
type keyBarrier struct {
	*postgres.Store
	checked sync.WaitGroup
}

func (s *keyBarrier) ClaimKey(ctx context.Context, player uuid.UUID, key string) (uuid.UUID, error) {
	id, err := s.Store.ClaimKey(ctx, player, key)
	if id == uuid.Nil {
		s.checked.Done()
		s.checked.Wait()
	}
	return id, err
}

func TestConcurrentClaimsPayOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, repaired := range []bool{false, true} {
		player, p := w.assigned()
		if repaired {
			w.repair(player, p)
		}
		const racers = 20
		var ready, wg sync.WaitGroup
		ready.Add(racers)
		w.ledger.before = func() { ready.Done(); ready.Wait() } // all claims read the assignment before the first credit
		var mu sync.Mutex
		codes := map[apperr.Code]int{}
		for range racers {
			wg.Go(func() {
				_, err := w.service.Claim(t.Context(), player, p.ID, "")
				mu.Lock()
				defer mu.Unlock()
				codes[apperr.CodeOf(err)]++
			})
		}
		wg.Wait()
		w.ledger.before = nil
		if codes[""] != 1 || codes[apperr.PromotionAlreadyClaimed] != racers-1 {
			t.Errorf("repaired %t: got codes %v, want one success", repaired, codes)
		}
	}
	if len(w.ledger.paid) != 2 {
		t.Errorf("got %d credits for 2 assignments", len(w.ledger.paid))
	}
}

// repair simulates a crash between credit and mark: it credits the player and delivers the ledger's event.
func (w fixture) repair(player uuid.UUID, p promotions.Promotion) promotions.Transaction {
	w.Helper()
	list, err := w.service.ListAssignments(w.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 100})
	if err != nil {
		w.Fatal(err)
	}
	for _, a := range list.Items {
		if a.PromotionID != p.ID {
			continue
		}
		tx, err := w.ledger.Credit(w.Context(), a.Credit())
		if err != nil {
			w.Fatal(err)
		}
		for range 2 { // the bus may deliver an event twice
			if err := w.service.Credited(w.Context(), a.ID.String(), tx); err != nil {
				w.Fatal(err)
			}
		}
		return tx
	}
	w.Fatalf("promotion %s is not assigned to %s", p.ID, player)
	return promotions.Transaction{}
}

func TestClaimAfterARepairReturnsTheTransaction(t *testing.T) {
	t.Parallel()
	w := start(t)
	player, p := w.assigned()
	tx := w.repair(player, p)
	yes := true
	list, err := w.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{Claimed: &yes}, keyset.PageRequest[uuid.UUID]{Size: 10})
	if err != nil || list.Total != 1 || list.Items[0].TransactionID != tx.ID {
		t.Fatalf("after the repair: %+v, %v", list, err)
	}
	// The deactivation of the promotion does not affect a paid assignment.
	if _, err := w.service.Update(t.Context(), p.ID, func(p *promotions.Promotion) error { p.IsActive = false; return nil }); err != nil {
		t.Fatal(err)
	}
	claimed, err := w.service.Claim(t.Context(), player, p.ID, "k")
	if err != nil || claimed.Transaction.ID != tx.ID {
		t.Errorf("got %+v, %v, want transaction %s", claimed, err, tx.ID)
	}
	_, err = w.service.Claim(t.Context(), player, p.ID, "")
	w.wantCode(err, apperr.PromotionAlreadyClaimed)
}

func TestOtherCreditsAreIgnored(t *testing.T) {
	t.Parallel()
	w := start(t)
	tx := promotions.Transaction{ID: uuid.New(), UserID: uuid.New(), Type: promotions.TransactionTypeCredit, Amount: 5}
	for _, key := range []string{"correction-7", uuid.NewString(), ""} {
		if err := w.service.Credited(t.Context(), key, tx); err != nil {
			t.Errorf("key %q: %v", key, err)
		}
	}
	player, p := w.assigned()
	list, err := w.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.wantCode(w.service.Credited(t.Context(), list.Items[0].ID.String(), tx), apperr.IdempotencyMismatch) // paid to another player
	if _, err := w.service.Claim(t.Context(), player, p.ID, ""); err != nil {
		t.Errorf("claim after the mismatch: %v", err)
	}
}
