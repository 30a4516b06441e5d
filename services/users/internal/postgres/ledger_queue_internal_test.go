package postgres

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Calls are written as their player's letter and a number: "a1 b1 a2".
func push(q *queue, calls string) {
	for name := range strings.FieldsSeq(calls) {
		q.push(&call{entry: users.Entry{UserID: uuid.UUID{name[0]}, Description: name}})
	}
}

func names(group []*work) string {
	var all []string
	for _, w := range group {
		for _, c := range w.calls {
			all = append(all, c.entry.Description)
		}
	}
	return strings.Join(all, " ")
}

func TestQueueFormsGroups(t *testing.T) {
	for name, tt := range map[string]struct {
		calls         string
		enough, limit int
		want          []string // one group after the other, each taken while those before are under way
	}{
		"in the order of players":           {"c1 a1 b1", 9, 9, []string{"a1 b1 c1"}},
		"all calls of a player":             {"b1 a1 b2 b3", 9, 9, []string{"a1 b1 b2 b3"}},
		"shares go to who waited longest":   {"d1 c1 b1 a1", 2, 9, []string{"c1 d1", "a1 b1"}},
		"a share does not divide a player":  {"a1 a2 a3 b1", 2, 9, []string{"a1 a2 a3", "b1"}},
		"the limit does":                    {"a1 a2 a3 b1", 2, 2, []string{"a1 a2", "b1"}},
		"a player is in one group at most":  {"a1 a2", 1, 1, []string{"a1", ""}},
		"a player's rest does not fill one": {"b1 a1 a2 a3", 9, 2, []string{"a1 b1", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueue()
			push(&q, tt.calls)
			var taken []*work
			for i, want := range tt.want {
				group := q.take(tt.enough, tt.limit)
				if got := names(group); got != want {
					t.Errorf("group %d is %q, want %q", i, got, want)
				}
				taken = append(taken, group...)
			}
			for _, w := range taken {
				q.release(w)
			}
			checkCounts(t, &q)
		})
	}
}

func TestQueueKeepsAPlayersCallsInOrder(t *testing.T) {
	q := newQueue()
	push(&q, "a1 a2 a3")
	first := q.take(9, 2)
	push(&q, "a4 b1")
	if got := names(q.take(9, 9)); got != "b1" {
		t.Errorf("beside a's group runs %q, want b1", got)
	}
	parts := first[0].alone()
	q.release(parts[0])
	if q.ready != 0 {
		t.Error("a is ready before all of its group is through")
	}
	q.release(parts[1])
	checkCounts(t, &q)
	if got := names(q.take(9, 9)); got != "a3 a4" {
		t.Errorf("next is %q, want a3 a4", got)
	}
}

// checkCounts compares what the queue counts with what it holds.
func checkCounts(t *testing.T, q *queue) {
	t.Helper()
	waiting, ready, inFlight := 0, 0, 0
	for _, l := range q.lanes {
		waiting += len(l.calls)
		inFlight += l.taken
		if l.taken == 0 && len(l.calls) == 0 {
			t.Error("a lane is kept that nothing is in")
		}
	}
	for _, l := range q.first {
		ready += len(l.calls)
	}
	if q.waiting != waiting || q.ready != ready || q.inFlight != inFlight {
		t.Errorf("counts %d waiting, %d ready, %d in flight; holds %d, %d, %d",
			q.waiting, q.ready, q.inFlight, waiting, ready, inFlight)
	}
}

func TestAccountsForgetTheOldest(t *testing.T) {
	const limit = 10
	a := newAccounts(limit)
	state := func(n int) account {
		return account{balance: money.Amount(n), entries: int64(n), exists: true, active: true}
	}
	for n := range 100 {
		a.saw(uuid.UUID{byte(n)}, account{}, state(n))
		for recent := max(0, n-limit+1); recent <= n; recent++ {
			if got, ok := a.expect(uuid.UUID{byte(recent)}); !ok || got != state(recent) {
				t.Fatalf("after %d players, %d is expected to have %+v, %v", n+1, recent, got, ok)
			}
		}
		if n := len(a.young) + len(a.old); n > 2*limit {
			t.Fatalf("%d accounts are remembered, more than twice %d", n, limit)
		}
	}
}

func TestAccountsTellWhoseTurnItIs(t *testing.T) {
	a := newAccounts(10)
	player := uuid.UUID{1}
	state := func(n int64) account { return account{entries: n, exists: true, active: true} }
	for i, step := range []struct {
		before, after int64
		expected      bool
	}{
		{0, 1, true},  // met for the first time
		{1, 2, true},  // nobody else wrote
		{5, 6, false}, // another replica did
		{6, 7, true},  // and has stopped
	} {
		a.saw(player, state(step.before), state(step.after))
		if _, ok := a.expect(player); ok != step.expected {
			t.Errorf("step %d: expected is %v, want %v", i, ok, step.expected)
		}
	}
	a.forget(player)
	if _, ok := a.expect(player); ok {
		t.Error("a forgotten player is expected to have something")
	}
}
