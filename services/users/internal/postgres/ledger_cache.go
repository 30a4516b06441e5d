package postgres

import (
	"sync"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/money"
)

// account is the part of a player's row that the ledger reads and writes. The zero value means that no such player exists.
type account struct {
	balance        money.Amount
	entries        int64
	head           string // the MAC of the last entry; empty without entries
	refusedUntil   int64  // until when promotional credits are refused; see users.User.PromotionsRefusedUntil
	exists, active bool
}

// accountCache caches the accounts that were written last. It is safe for concurrent use.
//
// It holds two generations of at most limit accounts each. When the current generation is full, it replaces the previous
// one. A cached account may be stale, because other replicas write the same accounts. Therefore each write to the database
// compares the cached account with the stored account.
type accountCache struct {
	limit int

	mu                sync.Mutex
	current, previous map[uuid.UUID]cachedAccount
}

type cachedAccount struct {
	account
	// contended is true if another replica wrote the account between the last two writes of this replica. The cached account
	// is then probably stale, because the other replica may write it again.
	contended bool
}

func newAccountCache(limit int) *accountCache {
	return &accountCache{limit: limit, current: map[uuid.UUID]cachedAccount{}}
}

// get returns the cached account of a player. It returns false if the account is not cached or is contended.
func (c *accountCache) get(user uuid.UUID) (account, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cached, ok := c.find(user)
	return cached.account, ok && !cached.contended
}

// find returns the cached account of a player, even if it is contended. The caller must hold mu.
func (c *accountCache) find(user uuid.UUID) (cachedAccount, bool) {
	if cached, ok := c.current[user]; ok {
		return cached, true
	}
	cached, ok := c.previous[user]
	return cached, ok
}

// put caches the account of a player after a commit. The parameters are the account before and after the commit.
func (c *accountCache) put(user uuid.UUID, before, after account) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, ok := c.find(user)
	if len(c.current) >= c.limit {
		c.previous, c.current = c.current, make(map[uuid.UUID]cachedAccount, c.limit)
	}
	c.current[user] = cachedAccount{account: after, contended: ok && last.account != before}
}

// remove removes the account of a player from the cache.
func (c *accountCache) remove(user uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.current, user)
	delete(c.previous, user)
}
