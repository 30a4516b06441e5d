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
	player, p := w.offered()
	claimed, err := w.service.Claim(t.Context(), player, p.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	if a := claimed.Assignment; !a.Claimed || a.TransactionID != claimed.Transaction.ID || a.ClaimedAt.IsZero() || a.Amount != 2000 {
		t.Errorf("claimed %+v", claimed)
	}
	_, err = w.service.Claim(t.Context(), player, p.ID, "")
	w.wants(err, apperr.PromotionAlreadyClaimed)
	if got := apperr.From(err).Meta["transactionId"]; got != claimed.Transaction.ID.String() {
		t.Errorf("transactionId is %q", got)
	}
	_, err = w.service.Claim(t.Context(), uuid.New(), p.ID, "")
	w.wants(err, apperr.NotFound)
	_, err = w.service.Claim(t.Context(), player, uuid.New(), "")
	w.wants(err, apperr.NotFound)
}

func TestRefusedCreditLeavesTheAssignmentUnclaimed(t *testing.T) {
	t.Parallel()
	w := start(t)
	player, p := w.offered()
	w.bank.refuse = apperr.New(apperr.DependencyUnavailable, "away")
	_, err := w.service.Claim(t.Context(), player, p.ID, "k")
	w.wants(err, apperr.DependencyUnavailable)
	no := false
	list, err := w.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{Claimed: &no}, keyset.PageRequest[uuid.UUID]{Size: 10})
	if err != nil || list.Total != 1 || list.Items[0].Promotion == nil {
		t.Errorf("unclaimed: %+v, %v", list, err)
	}
	w.bank.refuse = nil
	if _, err := w.service.Claim(t.Context(), player, p.ID, "k"); err != nil {
		t.Errorf("claimed again once the ledger is back: %v", err)
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	w := start(t)
	player, p := w.offered()
	first, err := w.service.Claim(t.Context(), player, p.ID, "k")
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.service.Claim(t.Context(), player, p.ID, "k")
	if err != nil || again.Assignment != first.Assignment || again.Transaction.ID != first.Transaction.ID {
		t.Errorf("first %+v, then %+v, %v", first, again, err)
	}
	_, err = w.service.Claim(t.Context(), player, p.ID, "other")
	w.wants(err, apperr.PromotionAlreadyClaimed)
	q := w.promotion(promotions.PromotionTypeBonus, 0, 0)
	if _, err := w.service.Assign(t.Context(), q.ID, []uuid.UUID{player}, uuid.New()); err != nil {
		t.Fatal(err)
	}
	_, err = w.service.Claim(t.Context(), player, q.ID, "k")
	w.wants(err, apperr.IdempotencyMismatch)
	if len(w.bank.paid) != 1 {
		t.Errorf("%d credits", len(w.bank.paid))
	}
}

// Whichever of the two is refused for its key is not paid.
func TestOneKeyForTwoPromotionsAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	player, p := w.offered()
	q := w.promotion(promotions.PromotionTypeBonus, 0, 0)
	if _, err := w.service.Assign(t.Context(), q.ID, []uuid.UUID{player}, uuid.New()); err != nil {
		t.Fatal(err)
	}
	slow := &slowKeys{Store: postgres.New(w.pool, func() {})}
	slow.checked.Add(2)
	service := promotions.New(slow, w.bank, time.Now)
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
	if codes[""] != 1 || codes[apperr.IdempotencyMismatch] != 1 || len(w.bank.paid) != 1 {
		t.Errorf("outcomes %v, %d credits; want one of each and one credit", codes, len(w.bank.paid))
	}
}

// slowKeys lets all claims check their key before one takes it.
type slowKeys struct {
	*postgres.Store
	checked sync.WaitGroup
}

func (s *slowKeys) ClaimKey(ctx context.Context, player uuid.UUID, key string) (uuid.UUID, error) {
	id, err := s.Store.ClaimKey(ctx, player, key)
	if id == uuid.Nil {
		s.checked.Done()
		s.checked.Wait()
	}
	return id, err
}

// A key that a replica of an earlier release has noted with the claim alone is known, too.
func TestKeyOfAnEarlierRelease(t *testing.T) {
	t.Parallel()
	w := start(t)
	player, p := w.offered()
	q := w.promotion(promotions.PromotionTypeBonus, 0, 0)
	if _, err := w.service.Assign(t.Context(), q.ID, []uuid.UUID{player}, uuid.New()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.Claim(t.Context(), player, p.ID, "k"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.pool.Exec(t.Context(), "DELETE FROM claim_keys"); err != nil {
		t.Fatal(err)
	}
	_, err := w.service.Claim(t.Context(), player, q.ID, "k")
	w.wants(err, apperr.IdempotencyMismatch)
	if _, err := w.service.Claim(t.Context(), player, p.ID, "k"); err != nil {
		t.Errorf("the same claim again: %v", err)
	}
}

func TestRacingClaimsHaveOneAnswer(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, repaired := range []bool{false, true} {
		player, p := w.offered()
		if repaired {
			w.repair(player, p)
		}
		const racers = 20
		var ready, wg sync.WaitGroup
		ready.Add(racers)
		w.bank.before = func() { ready.Done(); ready.Wait() } // all have read the assignment before one is paid
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
		w.bank.before = nil
		if codes[""] != 1 || codes[apperr.PromotionAlreadyClaimed] != racers-1 {
			t.Errorf("repaired %t: outcomes %v", repaired, codes)
		}
	}
	if len(w.bank.paid) != 2 {
		t.Errorf("%d credits for 2 assignments", len(w.bank.paid))
	}
}

// repair plays a crash between credit and mark: the ledger's event arrives, the claim does not.
func (w world) repair(player uuid.UUID, p promotions.Promotion) promotions.Transaction {
	w.Helper()
	list, err := w.service.ListAssignments(w.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 100})
	if err != nil {
		w.Fatal(err)
	}
	for _, a := range list.Items {
		if a.PromotionID != p.ID {
			continue
		}
		tx, err := w.bank.Credit(w.Context(), a.Credit())
		if err != nil {
			w.Fatal(err)
		}
		for range 2 { // events may come twice
			if err := w.service.Credited(w.Context(), a.ID.String(), tx); err != nil {
				w.Fatal(err)
			}
		}
		return tx
	}
	w.Fatal("not assigned")
	return promotions.Transaction{}
}

func TestRepairedClaimIsAnsweredToTheNextOne(t *testing.T) {
	t.Parallel()
	w := start(t)
	player, p := w.offered()
	tx := w.repair(player, p)
	yes := true
	list, err := w.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{Claimed: &yes}, keyset.PageRequest[uuid.UUID]{Size: 10})
	if err != nil || list.Total != 1 || list.Items[0].TransactionID != tx.ID {
		t.Fatalf("after the repair: %+v, %v", list, err)
	}
	// Switched off meanwhile: what was paid is paid, and its player is told.
	if _, err := w.service.Update(t.Context(), p.ID, func(p *promotions.Promotion) error { p.IsActive = false; return nil }); err != nil {
		t.Fatal(err)
	}
	claimed, err := w.service.Claim(t.Context(), player, p.ID, "k")
	if err != nil || claimed.Transaction.ID != tx.ID {
		t.Errorf("the next claim: %+v, %v", claimed, err)
	}
	_, err = w.service.Claim(t.Context(), player, p.ID, "")
	w.wants(err, apperr.PromotionAlreadyClaimed)
}

func TestCreditsThatAreNoClaimsArePassedOver(t *testing.T) {
	t.Parallel()
	w := start(t)
	tx := promotions.Transaction{ID: uuid.New(), UserID: uuid.New(), Type: promotions.TransactionTypeCredit, Amount: 5}
	for _, key := range []string{"correction-7", uuid.NewString(), ""} {
		if err := w.service.Credited(t.Context(), key, tx); err != nil {
			t.Errorf("key %q: %v", key, err)
		}
	}
	player, p := w.offered()
	list, err := w.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.wants(w.service.Credited(t.Context(), list.Items[0].ID.String(), tx), apperr.IdempotencyMismatch) // another player's
	if _, err := w.service.Claim(t.Context(), player, p.ID, ""); err != nil {
		t.Errorf("the claim after it: %v", err)
	}
}
