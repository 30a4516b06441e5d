package postgres

import (
	"sync"

	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/google/uuid"
)

// account is the state of a player's ledger between two entries. The zero value is that of nobody.
type account struct {
	balance        money.Amount
	entries        int64
	exists, active bool
}

// accounts remembers the accounts that were used last, at least limit of them and at most twice as many: two
// generations, of which the older one is dropped whole when the younger one is full. Safe for concurrent use; a stale
// account does no harm, since every write compares.
type accounts struct {
	limit int

	mu         sync.Mutex
	young, old map[uuid.UUID]account
}

func newAccounts(limit int) *accounts {
	return &accounts{limit: limit, young: map[uuid.UUID]account{}}
}

func (a *accounts) get(user uuid.UUID) (account, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if acc, ok := a.young[user]; ok {
		return acc, true
	}
	acc, ok := a.old[user]
	return acc, ok
}

func (a *accounts) put(user uuid.UUID, acc account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.young) >= a.limit {
		a.old, a.young = a.young, make(map[uuid.UUID]account, a.limit)
	}
	a.young[user] = acc
}

func (a *accounts) forget(user uuid.UUID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.young, user)
	delete(a.old, user)
}
