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
	f := start(t)
	player, p := f.assigned()
	claimed, err := f.service.Claim(t.Context(), player, p.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	if a := claimed.Assignment; !a.Claimed || a.TransactionID != claimed.Transaction.ID || a.ClaimedAt.IsZero() || a.Amount != 2000 {
		t.Errorf("got %+v, want a claimed assignment of 20.00 with its transaction", claimed)
	}
	_, err = f.service.Claim(t.Context(), player, p.ID, "")
	f.wantCode(err, apperr.PromotionAlreadyClaimed)
	if got := apperr.From(err).Meta["transactionId"]; got != claimed.Transaction.ID.String() {
		t.Errorf("got transactionId %q, want %s", got, claimed.Transaction.ID)
	}
	_, err = f.service.Claim(t.Context(), uuid.New(), p.ID, "")
	f.wantCode(err, apperr.NotFound)
	_, err = f.service.Claim(t.Context(), player, uuid.New(), "")
	f.wantCode(err, apperr.NotFound)
}

func TestFailedCreditLeavesTheAssignmentUnclaimed(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, p := f.assigned()
	f.ledger.fail = apperr.New(apperr.DependencyUnavailable, "the ledger cannot be reached")
	_, err := f.service.Claim(t.Context(), player, p.ID, "k")
	f.wantCode(err, apperr.DependencyUnavailable)
	no := false
	list, err := f.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{Claimed: &no}, keyset.PageRequest[uuid.UUID]{Size: 10})
	if err != nil || list.Total != 1 || list.Items[0].Promotion == nil {
		t.Errorf("got %+v, %v, want one unclaimed assignment", list, err)
	}
	f.ledger.fail = nil
	if _, err := f.service.Claim(t.Context(), player, p.ID, "k"); err != nil {
		t.Errorf("claim after the outage of the ledger: %v", err)
	}
}

func TestClaimWithAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, p := f.assigned()
	first, err := f.service.Claim(t.Context(), player, p.ID, "k")
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.service.Claim(t.Context(), player, p.ID, "k")
	if err != nil || again.Assignment != first.Assignment || again.Transaction.ID != first.Transaction.ID {
		t.Errorf("second claim: got %+v, %v, want %+v", again, err, first)
	}
	_, err = f.service.Claim(t.Context(), player, p.ID, "other")
	f.wantCode(err, apperr.PromotionAlreadyClaimed)
	q := f.promotion(promotions.PromotionTypeBonus, 0, 0)
	if _, err := f.service.Assign(t.Context(), q.ID, []uuid.UUID{player}, uuid.New(), false); err != nil {
		t.Fatal(err)
	}
	_, err = f.service.Claim(t.Context(), player, q.ID, "k")
	f.wantCode(err, apperr.IdempotencyMismatch)
	if len(f.ledger.paid) != 1 {
		t.Errorf("got %d credits, want 1", len(f.ledger.paid))
	}
}

// The ledger must not pay the claim that fails with IDEMPOTENCY_MISMATCH.
func TestConcurrentClaimsOfTwoPromotionsWithOneKey(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, p := f.assigned()
	q := f.promotion(promotions.PromotionTypeBonus, 0, 0)
	if _, err := f.service.Assign(t.Context(), q.ID, []uuid.UUID{player}, uuid.New(), false); err != nil {
		t.Fatal(err)
	}
	// Both replicas read the unused key before one of them can store it.
	hold, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Rollback(context.Background()) // no-op after the commit below
	if _, err := hold.Exec(t.Context(), "LOCK TABLE claim_keys IN EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[apperr.Code]int{}
	for _, id := range []uuid.UUID{p.ID, q.ID} {
		service := promotions.New(postgres.New(f.role, func() {}), f.ledger, time.Now)
		wg.Go(func() {
			_, err := service.Claim(t.Context(), player, id, "k")
			mu.Lock()
			defer mu.Unlock()
			codes[apperr.CodeOf(err)]++
		})
	}
	f.awaitBlocked(2)
	if err := hold.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if codes[""] != 1 || codes[apperr.IdempotencyMismatch] != 1 || len(f.ledger.paid) != 1 {
		t.Errorf("got codes %v and %d credits; want one success, one IDEMPOTENCY_MISMATCH and one credit", codes, len(f.ledger.paid))
	}
}

func TestConcurrentClaimsPayOnce(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, repaired := range []bool{false, true} {
		player, p := f.assigned()
		if repaired {
			f.repair(player, p)
		}
		const racers = 20
		var ready, wg sync.WaitGroup
		ready.Add(racers)
		f.ledger.before = func() { ready.Done(); ready.Wait() } // all claims read the assignment before the first credit
		var mu sync.Mutex
		codes := map[apperr.Code]int{}
		for range racers {
			wg.Go(func() {
				_, err := f.service.Claim(t.Context(), player, p.ID, "")
				mu.Lock()
				defer mu.Unlock()
				codes[apperr.CodeOf(err)]++
			})
		}
		wg.Wait()
		f.ledger.before = nil
		if codes[""] != 1 || codes[apperr.PromotionAlreadyClaimed] != racers-1 {
			t.Errorf("repaired %t: got codes %v, want one success and %d PROMOTION_ALREADY_CLAIMED", repaired, codes, racers-1)
		}
	}
	if len(f.ledger.paid) != 2 {
		t.Errorf("got %d credits, want 2", len(f.ledger.paid))
	}
}

// entry returns the entry of a transaction. Its event has the id of the transaction and the key.
func entry(key string, tx promotions.Transaction) promotions.Entry {
	return promotions.Entry{EventID: tx.ID.String() + key, Key: key, Transaction: tx, At: time.Now()}
}

// repair simulates a crash between Credit and ConfirmClaim. It credits the player and delivers the ledger's event.
func (f fixture) repair(player uuid.UUID, p promotions.Promotion) promotions.Transaction {
	f.Helper()
	list, err := f.service.ListAssignments(f.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 100})
	if err != nil {
		f.Fatal(err)
	}
	for _, a := range list.Items {
		if a.PromotionID != p.ID {
			continue
		}
		tx, err := f.ledger.Credit(f.Context(), a.Credit(time.Time{}))
		if err != nil {
			f.Fatal(err)
		}
		for range 2 { // the bus may deliver an event twice
			if err := f.monitor.TransactionAdded(f.Context(), entry(a.ID.String(), tx)); err != nil {
				f.Fatal(err)
			}
		}
		return tx
	}
	f.Fatalf("promotion %s is not assigned to %s", p.ID, player)
	return promotions.Transaction{}
}

func TestClaimAfterARepairReturnsTheTransaction(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, p := f.assigned()
	tx := f.repair(player, p)
	yes := true
	list, err := f.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{Claimed: &yes}, keyset.PageRequest[uuid.UUID]{Size: 10})
	if err != nil || list.Total != 1 || list.Items[0].TransactionID != tx.ID {
		t.Fatalf("after the repair: got %+v, %v, want one claimed assignment with transaction %s", list, err, tx.ID)
	}
	// A deactivation does not affect an assignment that was paid.
	if _, err := f.service.Update(t.Context(), p.ID, func(p *promotions.Promotion) error { p.IsActive = false; return nil }); err != nil {
		t.Fatal(err)
	}
	claimed, err := f.service.Claim(t.Context(), player, p.ID, "k")
	if err != nil || claimed.Transaction.ID != tx.ID {
		t.Errorf("got %+v, %v, want transaction %s", claimed, err, tx.ID)
	}
	_, err = f.service.Claim(t.Context(), player, p.ID, "")
	f.wantCode(err, apperr.PromotionAlreadyClaimed)
}

func TestOtherCreditsAreIgnored(t *testing.T) {
	t.Parallel()
	f := start(t)
	tx := promotions.Transaction{ID: uuid.New(), UserID: uuid.New(), Type: promotions.TransactionTypeCredit, Amount: 5}
	for _, key := range []string{"correction-7", uuid.NewString(), ""} {
		if err := f.monitor.TransactionAdded(t.Context(), entry(key, tx)); err != nil {
			t.Errorf("key %q: %v", key, err)
		}
	}
	player, p := f.assigned()
	list, err := f.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // also when the event is delivered again
		err := f.monitor.TransactionAdded(t.Context(), entry(list.Items[0].ID.String(), tx))
		f.wantCode(err, apperr.IdempotencyMismatch) // paid to another player
	}
	if _, err := f.service.Claim(t.Context(), player, p.ID, ""); err != nil {
		t.Errorf("claim after the mismatch: %v", err)
	}
}

// TestForgedEntries delivers events that the ledger did not publish. They must not mark an assignment as claimed.
func TestForgedEntries(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, p := f.assigned()
	list, err := f.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	key := list.Items[0].ID.String()
	forged := entry(key, promotions.Transaction{
		ID: uuid.New(), UserID: player, Type: promotions.TransactionTypeCredit, Amount: list.Items[0].Amount,
	})
	for range 2 {
		f.wantCode(f.monitor.TransactionAdded(t.Context(), forged), apperr.IdempotencyMismatch)
	}
	claimed, err := f.service.Claim(t.Context(), player, p.ID, "")
	if err != nil || claimed.Transaction.ID == forged.Transaction.ID {
		t.Fatalf("claim after a forged event: %+v, %v, want it to be paid", claimed, err)
	}
	f.wantCode(f.monitor.TransactionAdded(t.Context(), forged), apperr.IdempotencyMismatch)
	if err := f.monitor.TransactionAdded(t.Context(), entry(key, claimed.Transaction)); err != nil {
		t.Errorf("event of the claim: %v", err)
	}
}

// TestClaimReplacesWrongMark claims an assignment that is marked with a transaction that is not in the ledger.
func TestClaimReplacesWrongMark(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, p := f.assigned()
	_, err := f.pool.Exec(t.Context(), `UPDATE player_promotions SET claimed = true, claimed_at = now(), transaction_id = gen_random_uuid()
		WHERE user_id = $1`, player)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.service.Claim(t.Context(), player, p.ID, "")
	if err != nil || got.Assignment.TransactionID != got.Transaction.ID {
		t.Errorf("got %+v, %v, want the assignment with the transaction of the ledger", got, err)
	}
}
