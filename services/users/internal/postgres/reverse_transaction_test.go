package postgres_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// TestReverseTransaction reverses transactions. The steps depend on each other.
func TestReverseTransaction(t *testing.T) {
	f := newFixture(t)
	r := f.replica(postgres.LedgerOptions{})
	player, other := f.insertPlayer(), f.insertPlayer()
	first, second := f.mustAdd(r, credit(player, 1000)), f.mustAdd(r, debit(player, 300))
	reverse := func(of uuid.UUID, reason string) (users.Transaction, error) {
		return r.ReverseTransaction(t.Context(), users.Reversal{UserID: player, TransactionID: of, Reason: reason})
	}
	refused := func(name string, want apperr.Code, err error) {
		t.Helper()
		if apperr.CodeOf(err) != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	_, err := reverse(first.ID, "mistake")
	refused("credit above the balance", apperr.InsufficientFunds, err)
	back, err := reverse(second.ID, "mistake")
	if err != nil || back.Type != users.TransactionTypeCredit || back.Amount != 300 || back.BalanceAfter != 1000 ||
		back.Reverses != second.ID || back.Description != "mistake" {
		t.Fatalf("got %+v, %v, want a credit of 3.00 that reverses %s", back, err, second.ID)
	}
	f.exec(`UPDATE users SET is_active = false WHERE id = $1`, player)
	if _, err := reverse(first.ID, "of a deactivated player"); err != nil {
		t.Errorf("deactivated player: %v", err)
	}
	again, err := reverse(second.ID, "mistake")
	if err != nil || again.ID != back.ID {
		t.Errorf("repeated: got %+v, %v, want transaction %s", again, err, back.ID)
	}
	_, err = reverse(second.ID, "another reason")
	refused("another reason", apperr.TransactionAlreadyReversed, err)
	_, err = reverse(back.ID, "mistake")
	refused("reversal", apperr.TransactionNotReversible, err)
	_, err = reverse(newID(t), "mistake")
	refused("unknown transaction", apperr.NotFound, err)
	_, err = r.ReverseTransaction(t.Context(), users.Reversal{UserID: other, TransactionID: first.ID, Reason: "x"})
	refused("another player", apperr.NotFound, err)
	if tx, err := r.GetTransaction(t.Context(), player, first.IdempotencyKey, time.Time{}); err != nil || tx.ID != first.ID {
		t.Errorf("GetTransaction: got %+v, %v, want transaction %s", tx, err, first.ID)
	}
	_, err = r.GetTransaction(t.Context(), other, first.IdempotencyKey, time.Time{})
	refused("key of another player", apperr.NotFound, err)
	if got := f.balance(player); got != 0 {
		t.Errorf("got balance %v, want 0", got)
	}
	f.checkInvariants(4)
}

// TestReverseTransactionOnce reverses one transaction on two replicas at once, with two reasons. One reason wins.
func TestReverseTransactionOnce(t *testing.T) {
	f := newFixture(t)
	replicas := []replica{f.replica(postgres.LedgerOptions{}), f.replica(postgres.LedgerOptions{})}
	player := f.insertPlayer()
	tx := f.mustAdd(replicas[0], credit(player, 500))
	var mu sync.Mutex
	reversals := map[uuid.UUID]int{}
	var calls sync.WaitGroup
	for i := range 20 {
		calls.Go(func() {
			reversal, err := replicas[i%2].ReverseTransaction(t.Context(), users.Reversal{
				UserID: player, TransactionID: tx.ID, Reason: []string{"a", "b"}[i/2%2],
			})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				reversals[reversal.ID]++
			case apperr.CodeOf(err) != apperr.TransactionAlreadyReversed:
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if len(reversals) != 1 {
		t.Errorf("got %d reversals, want one", len(reversals))
	}
	f.checkInvariants(2)
}
