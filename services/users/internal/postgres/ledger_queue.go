package postgres

import (
	"bytes"
	"slices"

	"github.com/google/uuid"
)

// queue sorts waiting calls into groups. A player is in at most one group at a time: calls of one player wait in a lane,
// in their order, until the player's group is through. Its methods need the ledger's mutex.
type queue struct {
	lanes map[uuid.UUID]*lane
	// first holds the lanes that have calls and no group, those that waited longest first.
	first []*lane
	// waiting counts the calls that no group has taken, ready those of them in first, inFlight those in a group.
	waiting, ready, inFlight int
}

// lane is the calls of one player.
type lane struct {
	calls []*call // in no group yet
	taken int     // how many are in a group
}

// work is what a group has to do for one player.
type work struct {
	user  uuid.UUID
	calls []*call
	settlement
}

// alone splits w into works of one call each, in their order.
func (w *work) alone() []*work {
	works := make([]*work, len(w.calls))
	for i := range w.calls {
		works[i] = &work{user: w.user, calls: w.calls[i : i+1]}
	}
	return works
}

func newQueue() queue { return queue{lanes: map[uuid.UUID]*lane{}} }

func (q *queue) push(c *call) {
	l := q.lanes[c.entry.UserID]
	if l == nil {
		l = &lane{}
		q.lanes[c.entry.UserID] = l
	}
	l.calls = append(l.calls, c)
	q.waiting++
	if l.taken > 0 {
		return
	}
	q.ready++
	if len(l.calls) == 1 {
		q.first = append(q.first, l)
	}
}

// take forms a group of the players who waited longest, until it has enough calls: all calls of a player, but never more
// than limit altogether. It is ordered by player, so that all groups lock players in the same order.
func (q *queue) take(enough, limit int) []*work {
	var group []*work
	taken := 0
	for len(group) < len(q.first) && taken < min(enough, limit) {
		l := q.first[len(group)]
		k := min(limit-taken, len(l.calls))
		group = append(group, &work{user: l.calls[0].entry.UserID, calls: l.calls[:k:k]})
		q.ready -= len(l.calls)
		l.calls, l.taken = l.calls[k:], k
		taken += k
	}
	q.waiting -= taken
	q.inFlight += taken
	q.first = slices.Delete(q.first, 0, len(group))
	slices.SortFunc(group, func(a, b *work) int { return bytes.Compare(a.user[:], b.user[:]) })
	return group
}

// release ends a part of a group. With the last call of a player the next ones become ready.
func (q *queue) release(w *work) {
	l := q.lanes[w.user]
	q.inFlight -= len(w.calls)
	l.taken -= len(w.calls)
	switch {
	case l.taken > 0:
	case len(l.calls) > 0:
		q.ready += len(l.calls)
		q.first = append(q.first, l)
	default:
		delete(q.lanes, w.user)
	}
}
