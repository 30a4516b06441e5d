package postgres

import (
	"bytes"
	"slices"

	"github.com/google/uuid"
)

// queue forms groups of waiting calls. The calls of a player stay in order. A player is in at most one group at a time.
// Later calls of the player wait until the group's calls are answered. Callers of the methods must hold the ledger's mutex.
type queue struct {
	players map[uuid.UUID]*playerQueue
	// ready holds the players that have waiting calls and no calls in a group, in the order in which they became ready.
	ready []*playerQueue

	waiting    int // calls that are in no group
	readyCalls int // waiting calls of the players in ready
	inFlight   int // calls that are in a group
}

// playerQueue holds the calls of one player.
type playerQueue struct {
	waiting  []*call
	inFlight int // calls that are in a group
}

// playerCalls holds the calls of one player in a group, and their outcome.
type playerCalls struct {
	user  uuid.UUID
	calls []*call
	outcome
}

// separate returns one playerCalls for each call of p, in order.
func (p *playerCalls) separate() []*playerCalls {
	single := make([]*playerCalls, len(p.calls))
	for i := range p.calls {
		single[i] = &playerCalls{user: p.user, calls: p.calls[i : i+1]}
	}
	return single
}

func newQueue() queue { return queue{players: map[uuid.UUID]*playerQueue{}} }

// push adds a call.
func (q *queue) push(c *call) {
	p := q.players[c.entry.UserID]
	if p == nil {
		p = &playerQueue{}
		q.players[c.entry.UserID] = p
	}
	p.waiting = append(p.waiting, c)
	q.waiting++
	if p.inFlight > 0 {
		return
	}
	q.readyCalls++
	if len(p.waiting) == 1 {
		q.ready = append(q.ready, p)
	}
}

// take removes a group from the queue and returns it. It starts with the player that has been ready longest, takes all
// waiting calls of each player, and stops when the group has at least size calls. The group has at most limit calls: if the
// last player has more calls, the rest stay in the queue. The group is sorted by player id, so that all groups lock players
// in the same order.
func (q *queue) take(size, limit int) []*playerCalls {
	var group []*playerCalls
	taken := 0
	for len(group) < len(q.ready) && taken < min(size, limit) {
		p := q.ready[len(group)]
		n := min(limit-taken, len(p.waiting))
		group = append(group, &playerCalls{user: p.waiting[0].entry.UserID, calls: p.waiting[:n:n]})
		q.readyCalls -= len(p.waiting)
		p.waiting, p.inFlight = p.waiting[n:], n
		taken += n
	}
	q.waiting -= taken
	q.inFlight += taken
	q.ready = slices.Delete(q.ready, 0, len(group))
	slices.SortFunc(group, func(a, b *playerCalls) int { return bytes.Compare(a.user[:], b.user[:]) })
	return group
}

// release removes the answered calls of a player. After all calls of the player's group are answered, the player's waiting
// calls become ready.
func (q *queue) release(done *playerCalls) {
	p := q.players[done.user]
	q.inFlight -= len(done.calls)
	p.inFlight -= len(done.calls)
	switch {
	case p.inFlight > 0:
	case len(p.waiting) > 0:
		q.readyCalls += len(p.waiting)
		q.ready = append(q.ready, p)
	default:
		delete(q.players, done.user)
	}
}
