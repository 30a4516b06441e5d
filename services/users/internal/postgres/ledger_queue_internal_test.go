package postgres

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/users"
)

// push pushes calls. The text names each call by the letter of its player and a number, for example "a1 b1 a2".
func push(q *queue, calls string) {
	for name := range strings.FieldsSeq(calls) {
		q.push(&call{entry: users.ValidEntry{Entry: users.Entry{UserID: uuid.UUID{name[0]}, Description: name}}})
	}
}

// names returns the calls of a group in the format of push.
func names(group []*playerCalls) string {
	var names []string
	for _, p := range group {
		for _, c := range p.calls {
			names = append(names, c.entry.Description)
		}
	}
	return strings.Join(names, " ")
}

func TestQueueFormsGroups(t *testing.T) {
	for name, tt := range map[string]struct {
		calls       string
		size, limit int
		want        []string // successive groups; all are taken before the first is released
	}{
		"sorted by player":                     {"c1 a1 b1", 9, 9, []string{"a1 b1 c1"}},
		"all calls of a player":                {"b1 a1 b2 b3", 9, 9, []string{"a1 b1 b2 b3"}},
		"longest waiting players first":        {"d1 c1 b1 a1", 2, 9, []string{"c1 d1", "a1 b1"}},
		"size does not split a player's calls": {"a1 a2 a3 b1", 2, 9, []string{"a1 a2 a3", "b1"}},
		"limit splits a player's calls":        {"a1 a2 a3 b1", 2, 2, []string{"a1 a2", "b1"}},
		"player in one group at a time":        {"a1 a2", 1, 1, []string{"a1", ""}},
		"rest of a split player's calls waits": {"b1 a1 a2 a3", 9, 2, []string{"a1 b1", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueue()
			push(&q, tt.calls)
			var taken []*playerCalls
			for i, want := range tt.want {
				group := q.take(tt.size, tt.limit)
				if got := names(group); got != want {
					t.Errorf("group %d: got %q, want %q", i, got, want)
				}
				taken = append(taken, group...)
			}
			for _, p := range taken {
				q.release(p)
			}
			checkCounts(t, &q)
		})
	}
}

func TestQueueKeepsCallsOfAPlayerInOrder(t *testing.T) {
	q := newQueue()
	push(&q, "a1 a2 a3")
	first := q.take(9, 2)
	push(&q, "a4 b1")
	if got := names(q.take(9, 9)); got != "b1" {
		t.Errorf("next group while a is in a group: got %q, want b1", got)
	}
	single := first[0].separate()
	q.release(single[0])
	if q.readyCalls != 0 {
		t.Error("a is ready before all calls of its group are released")
	}
	q.release(single[1])
	checkCounts(t, &q)
	if got := names(q.take(9, 9)); got != "a3 a4" {
		t.Errorf("next group: got %q, want a3 a4", got)
	}
}

// checkCounts compares the queue's counters with its content.
func checkCounts(t *testing.T, q *queue) {
	t.Helper()
	waiting, ready, inFlight := 0, 0, 0
	for _, p := range q.players {
		waiting += len(p.waiting)
		inFlight += p.inFlight
		if p.inFlight == 0 && len(p.waiting) == 0 {
			t.Error("the queue holds a player without calls")
		}
	}
	for _, p := range q.ready {
		ready += len(p.waiting)
	}
	if q.waiting != waiting || q.readyCalls != ready || q.inFlight != inFlight {
		t.Errorf("got counters %d waiting, %d ready, %d in flight, want %d, %d, %d",
			q.waiting, q.readyCalls, q.inFlight, waiting, ready, inFlight)
	}
}
