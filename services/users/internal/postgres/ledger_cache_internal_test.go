package postgres

import (
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/money"
)

func TestAccountCacheEvictsTheOldest(t *testing.T) {
	const limit = 10
	c := newAccountCache(limit)
	state := func(n int) account {
		return account{balance: money.Amount(n), entries: int64(n), exists: true, active: true}
	}
	for n := range 100 {
		c.put(uuid.UUID{byte(n)}, account{}, state(n))
		for recent := max(0, n-limit+1); recent <= n; recent++ {
			if got, ok := c.get(uuid.UUID{byte(recent)}); !ok || got != state(recent) {
				t.Fatalf("after %d players: player %d has account %+v, cached %t, want %+v, true", n+1, recent, got, ok, state(recent))
			}
		}
		if n := len(c.current) + len(c.previous); n > 2*limit {
			t.Fatalf("%d accounts are cached, want at most %d", n, 2*limit)
		}
	}
}

func TestAccountCacheSkipsContendedAccounts(t *testing.T) {
	c := newAccountCache(10)
	player := uuid.UUID{1}
	state := func(n int64) account { return account{entries: n, exists: true, active: true} }
	for _, step := range []struct {
		name          string
		before, after int64
		usable        bool
	}{
		{"first write", 0, 1, true},
		{"write after the replica's own write", 1, 2, true},
		{"write after another replica's write", 5, 6, false},
		{"another write after the replica's own write", 6, 7, true},
	} {
		c.put(player, state(step.before), state(step.after))
		if _, ok := c.get(player); ok != step.usable {
			t.Errorf("%s: the cached account is usable: %t, want %t", step.name, ok, step.usable)
		}
	}
	c.remove(player)
	if _, ok := c.get(player); ok {
		t.Error("a removed account is cached")
	}
}
