package postgres_test

import (
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

func TestLedgerAddsOncePerKey(t *testing.T) {
	for name, cached := range map[string]bool{"unknown player": false, "cached player": true} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			replicas := []replica{f.replica(postgres.LedgerOptions{}), f.replica(postgres.LedgerOptions{})}
			player := f.insertPlayer()
			want := 1
			if cached {
				f.mustAdd(replicas[0], credit(player, 100))
				want++
			}
			e := credit(player, 2000)
			ids := make(chan uuid.UUID, 50)
			var calls sync.WaitGroup
			for i := range cap(ids) {
				calls.Go(func() {
					tx, err := replicas[i%2].AddTransaction(t.Context(), e)
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
					t.Fatalf("one key: got transactions %v and %v, want one", first, id)
				}
			}
			f.checkInvariants(want)
		})
	}
}

func TestLedgerAddsSharedKeyForOnePlayer(t *testing.T) {
	f := newFixture(t)
	replicas := []replica{f.replica(postgres.LedgerOptions{}), f.replica(postgres.LedgerOptions{})}
	for _, r := range replicas {
		f.mustAdd(r, credit(f.insertPlayer(), 1))
	}
	entries := len(replicas)
	for range 20 {
		e := credit(uuid.Nil, 100)
		var mu sync.Mutex
		added := 0
		var calls sync.WaitGroup
		for i, player := range f.insertPlayers(4) {
			calls.Go(func() {
				e := e
				e.UserID = player
				_, err := replicas[i%2].AddTransaction(t.Context(), e)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					added++
				case apperr.CodeOf(err) != apperr.IdempotencyMismatch:
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if added != 1 {
			t.Fatalf("one key was accepted for %d players, want 1", added)
		}
		entries++
	}
	f.checkInvariants(entries)
}

// results collects the transactions that the replicas returned.
type results struct {
	mu   sync.Mutex
	byID map[uuid.UUID]users.Transaction
	sum  money.Amount // of the credits minus the debits
}

// record records a transaction. It reports an error if a recorded transaction with the same id differs.
func (a *results) record(t *testing.T, tx users.Transaction) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if first, ok := a.byID[tx.ID]; ok {
		if !reflect.DeepEqual(first, tx) {
			t.Errorf("repeated entry: got %+v, want %+v", tx, first)
		}
		return
	}
	a.byID[tx.ID] = tx
	if tx.Type == users.TransactionTypeDebit {
		a.sum -= tx.Amount
	} else {
		a.sum += tx.Amount
	}
}

// TestLedgerInvariantsAcrossReplicas adds credits, debits and repeated entries in random order. Several replicas serve few
// players.
func TestLedgerInvariantsAcrossReplicas(t *testing.T) {
	const callers, entriesPerCaller = 32, 60
	f := newFixture(t)
	replicas := []replica{
		f.replica(postgres.LedgerOptions{}),
		f.replica(postgres.LedgerOptions{MaxGroup: 5, CachedPlayers: 4}),
		f.replica(postgres.LedgerOptions{}),
	}
	players := f.insertPlayers(20)
	got := &results{byID: map[uuid.UUID]users.Transaction{}}
	var calls sync.WaitGroup
	for caller := range callers {
		calls.Go(func() {
			r := rand.New(rand.NewPCG(uint64(caller), 7))
			var added []users.Entry
			for range entriesPerCaller {
				e := credit(players[r.IntN(len(players))], money.Amount(1+r.IntN(500)))
				repeated := false
				switch kind := r.IntN(9); {
				case kind < 3:
					e.Type = users.TransactionTypeDebit
				case kind < 5 && len(added) > 0:
					e, repeated = added[r.IntN(len(added))], true
				}
				tx, err := replicas[r.IntN(len(replicas))].AddTransaction(t.Context(), e)
				mayBeRefused := e.Type == users.TransactionTypeDebit && !repeated
				if mayBeRefused && apperr.CodeOf(err) == apperr.InsufficientFunds {
					continue
				}
				if err != nil {
					t.Errorf("%s, repeated %t: %v", e.Type, repeated, err)
					return
				}
				added = append(added, e)
				got.record(t, tx)
			}
		})
	}
	calls.Wait()
	f.checkInvariants(len(got.byID))
	if stored := money.Amount(f.count(`SELECT (sum(balance) * 100)::bigint FROM users`)); stored != got.sum {
		t.Errorf("got a sum of balances of %v, want %v as returned", stored, got.sum)
	}
}

func TestLedgerGroupsCallsOfOnePlayer(t *testing.T) {
	const callers, entriesPerCaller = 32, 25
	f := newFixture(t)
	r := f.replica(postgres.LedgerOptions{})
	player := f.insertPlayer()
	var calls sync.WaitGroup
	for range callers {
		calls.Go(func() {
			for range entriesPerCaller {
				if _, err := r.AddTransaction(t.Context(), credit(player, 100)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	calls.Wait()
	f.checkInvariants(callers * entriesPerCaller)
	if got := f.balance(player); got != callers*entriesPerCaller*100 {
		t.Errorf("got balance %v, want %v", got, money.Amount(callers*entriesPerCaller*100))
	}
	if n := f.wakes.Load(); n > callers*entriesPerCaller/4 {
		t.Errorf("got %d commits for %d calls, want at most a quarter", n, callers*entriesPerCaller)
	}
}
