package websocket

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/lifecycle"
)

// Run pings the connections and closes each connection whose token or session has ended. When ctx ends, Run closes all
// connections with 1001 and waits for the clients to answer. It waits at most 1.5 times Config.CloseTimeout, and no longer
// than lifecycle.Finish allows. Then it aborts the remaining connections and returns nil. Afterwards, the hub admits no
// connections and does not read the store.
func (h *Hub) Run(ctx context.Context) error {
	var watching sync.WaitGroup
	watching.Go(func() { h.watchSessions(ctx) })
	watching.Go(func() { h.recheckSessions(ctx) })
	h.tick(ctx)
	watching.Wait()
	h.shutDown(ctx)
	return nil
}

// tick calls tick on every socket once a second, or twice per ping interval if that is more often.
func (h *Hub) tick(ctx context.Context) {
	tick := time.NewTicker(min(time.Second, h.config.PingInterval/2))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := h.now()
			for _, s := range h.all() {
				s.tick(now)
			}
		}
	}
}

// watchSessions closes the connections of a session when the end of the session is signalled.
func (h *Hub) watchSessions(ctx context.Context) {
	if err := h.sessions.SubscribeEnded(ctx, h.endSession); err != nil && ctx.Err() == nil {
		h.log.Error("subscription to ended sessions failed", "error", err)
	}
}

// recheckSessions regularly closes the connections of ended sessions, in case a signal was lost. If sessions cannot be
// checked, the connections stay open.
func (h *Hub) recheckSessions(ctx context.Context) {
	tick := time.NewTicker(h.config.RecheckInterval)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := h.recheck(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			h.log.Warn("cannot check the sessions of live connections", "error", err)
		case err == nil && failing:
			h.log.Info("the sessions of live connections are checked again")
		}
		failing = err != nil
	}
}

// recheck closes the connections of ended sessions.
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

// shutDown closes all connections and waits until they are released. After the timeout it aborts the remaining ones.
func (h *Hub) shutDown(ctx context.Context) {
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	for _, s := range h.all() {
		s.close(codeGoingAway, "this replica is shutting down")
	}
	h.cancel() // cancels reads of the store
	finish, cancel := lifecycle.Finish(ctx)
	defer cancel()
	finish, cancel = context.WithTimeout(finish, h.config.CloseTimeout*3/2)
	defer cancel()
	done := make(chan struct{})
	go func() {
		h.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-finish.Done():
		for _, s := range h.all() {
			s.abort()
		}
	}
	<-done
}
