package websocket

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/lifecycle"
)

// Run keeps the connections until ctx ends: pings them, ends those whose token or session has ended. Then it tells
// every client to go elsewhere, waits for them to leave, at most half as long again as Config.Close or as lifecycle.Finish
// tells, cuts off the rest and returns nil. The hub admits nobody after that, and reads the store no more.
func (h *Hub) Run(ctx context.Context) error {
	var watching sync.WaitGroup
	watching.Go(func() { h.watchSessions(ctx) })
	watching.Go(func() { h.recheckSessions(ctx) })
	h.keep(ctx)
	watching.Wait()
	h.shutDown(ctx)
	return nil
}

// keep looks after each connection every second, or more often if pings are.
func (h *Hub) keep(ctx context.Context) {
	tick := time.NewTicker(min(time.Second, h.config.Ping/2))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := h.now()
			for _, s := range h.all() {
				s.keep(now)
			}
		}
	}
}

func (h *Hub) watchSessions(ctx context.Context) {
	if err := h.sessions.Ended(ctx, h.endSession); err != nil && ctx.Err() == nil {
		h.log.Error("ended sessions are no longer told", "error", err)
	}
}

// recheckSessions finds the ends of sessions that were not told. While sessions cannot be checked the connections stay:
// they are told nothing that the player could not read before.
func (h *Hub) recheckSessions(ctx context.Context) {
	tick := time.NewTicker(h.config.Recheck)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := h.recheck(ctx)
		if failing != (err != nil) && ctx.Err() == nil {
			failing = err != nil
			h.log.Warn("checking the sessions of live connections", "failing", failing, "error", err)
		}
	}
}

func (h *Hub) recheck(ctx context.Context) error {
	h.mu.Lock()
	ids := make([]uuid.UUID, 0, len(h.bySession))
	for id := range h.bySession {
		ids = append(ids, id)
	}
	h.mu.Unlock()
	active, err := h.sessions.ActiveMany(ctx, ids)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if !active[i] {
			h.endSession(id)
		}
	}
	return nil
}

func (h *Hub) shutDown(ctx context.Context) {
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	for _, s := range h.all() {
		s.end(codeGoingAway, "this replica is shutting down")
	}
	h.cancel() // who waits for the store waits in vain
	finish, cancel := lifecycle.Finish(ctx)
	defer cancel()
	finish, cancel = context.WithTimeout(finish, h.config.Close*3/2)
	defer cancel()
	gone := make(chan struct{})
	go func() {
		h.running.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-finish.Done():
		for _, s := range h.all() {
			s.cut()
		}
	}
	<-gone
}
