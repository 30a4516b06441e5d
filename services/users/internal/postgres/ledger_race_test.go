package postgres_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

func TestLedgerAddsOnceForAKeyHoweverManyAsk(t *testing.T) {
	b := newBooks(t)
	replicas := []*postgres.Ledger{b.ledger(postgres.LedgerOptions{}), b.ledger(postgres.LedgerOptions{})}
	entries := 0
	for _, known := range []bool{false, true} {
		player := b.player()
		if known {
			b.add(replicas[0], credit(player, 100))
			entries++
		}
		e := credit(player, 2000)
		ids := make(chan uuid.UUID, 50)
		var calls sync.WaitGroup
		for i := range cap(ids) {
			calls.Go(func() {
				tx, err := replicas[i%2].Add(t.Context(), e)
				if err != nil {
					t.Error(err)
				}
				ids <- tx.ID
			})
		}
		calls.Wait()
		first := <-ids
		for range cap(ids) - 1 {
			if id := <-ids; id != first {
				t.Fatalf("one key, two transactions: %v and %v", first, id)
			}
		}
		entries++
	}
	b.audit(entries)
}

func TestLedgerGivesAKeyToOnePlayer(t *testing.T) {
	b := newBooks(t)
	replicas := []*postgres.Ledger{b.ledger(postgres.LedgerOptions{}), b.ledger(postgres.LedgerOptions{})}
	for _, warm := range replicas {
		b.add(warm, credit(b.player(), 1))
	}
	entries := 2
	for range 20 {
		players := []uuid.UUID{b.player(), b.player(), b.player(), b.player()}
		e := credit(uuid.Nil, 100)
		var mu sync.Mutex
		won := 0
		var calls sync.WaitGroup
		for i, player := range players {
			calls.Go(func() {
				e := e
				e.UserID = player
				_, err := replicas[i%2].Add(t.Context(), e)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case apperr.CodeOf(err) != apperr.IdempotencyMismatch:
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if won != 1 {
			t.Fatalf("%d players have the key, want 1", won)
		}
		entries++
	}
	b.audit(entries)
}

// Several replicas, few players, many callers: credits, debits and repetitions in any order.
func TestLedgerKeepsItsInvariantsOverReplicas(t *testing.T) {
	const callers, each = 32, 60
	b := newBooks(t)
	replicas := []*postgres.Ledger{
		b.ledger(postgres.LedgerOptions{}),
		b.ledger(postgres.LedgerOptions{Group: 5, Remembered: 4}),
		b.ledger(postgres.LedgerOptions{}),
	}
	players := make([]uuid.UUID, 20)
	for i := range players {
		players[i] = b.player()
	}
	var mu sync.Mutex
	added := map[uuid.UUID]users.Transaction{}
	var sum money.Amount
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(caller), 7))
			var mine []users.Entry
			for range each {
				e := credit(players[r.IntN(len(players))], money.Amount(1+r.IntN(500)))
				switch {
				case r.IntN(3) == 0:
					e.Type = users.TransactionTypeDebit
				case len(mine) > 0 && r.IntN(3) == 0:
					e = mine[r.IntN(len(mine))]
				}
				tx, err := replicas[r.IntN(len(replicas))].Add(t.Context(), e)
				switch {
				case errors.Is(err, &apperr.Error{Code: apperr.InsufficientFunds}),
					apperr.CodeOf(err) == apperr.InsufficientFunds && e.Type == users.TransactionTypeDebit:
					continue
				case err != nil:
					t.Error(err)
					return
				}
				mine = append(mine, e)
				mu.Lock()
				if first, ok := added[tx.ID]; ok && first.BalanceAfter != tx.BalanceAfter {
					t.Errorf("two answers for one entry: %+v and %+v", first, tx)
				} else if !ok {
					added[tx.ID] = tx
					if tx.Type == users.TransactionTypeDebit {
						sum -= tx.Amount
					} else {
						sum += tx.Amount
					}
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	b.audit(len(added))
	if got := money.Amount(b.count(`SELECT (sum(balance) * 100)::bigint FROM users`)); got != sum {
		t.Errorf("the balances add up to %v, the answers to %v", got, sum)
	}
}

func TestLedgerHotAccount(t *testing.T) {
	const callers, each = 32, 25
	b := newBooks(t)
	l := b.ledger(postgres.LedgerOptions{})
	player := b.player()
	commits := b.woken.Load()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range each {
				if _, err := l.Add(t.Context(), credit(player, 100)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.audit(callers * each)
	if got := b.balance(player); got != callers*each*100 {
		t.Errorf("the balance is %v", got)
	}
	if n := b.woken.Load() - commits; n > callers*each/4 {
		t.Errorf("%d commits for %d calls of %d callers: they are not grouped", n, callers*each, callers)
	}
}
