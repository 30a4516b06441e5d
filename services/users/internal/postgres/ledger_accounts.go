package postgres

import (
	"sync"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/money"
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
	young, old map[uuid.UUID]remembered
}

type remembered struct {
	account
	// contested says that another replica wrote since this one did the last time, and so may again.
	contested bool
}

func newAccounts(limit int) *accounts {
	return &accounts{limit: limit, young: map[uuid.UUID]remembered{}}
}

// expect returns the account that the player is expected to have now; false where it is anybody's guess.
func (a *accounts) expect(user uuid.UUID) (account, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r, ok := a.find(user)
	return r.account, ok && !r.contested
}

func (a *accounts) find(user uuid.UUID) (remembered, bool) {
	if r, ok := a.young[user]; ok {
		return r, true
	}
	r, ok := a.old[user]
	return r, ok
}

// saw notes that the account was before, and is after now.
func (a *accounts) saw(user uuid.UUID, before, after account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	last, known := a.find(user)
	if len(a.young) >= a.limit {
		a.old, a.young = a.young, make(map[uuid.UUID]remembered, a.limit)
	}
	a.young[user] = remembered{account: after, contested: known && last.account != before}
}

func (a *accounts) forget(user uuid.UUID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.young, user)
	delete(a.old, user)
}
