package websocket

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/live"
)

// Store is where a connection finds what it has not seen.
type Store interface {
	Find(ctx context.Context, player, id uuid.UUID) (int64, error)
	Since(ctx context.Context, player uuid.UUID, after int64, limit int) ([]notifications.Notification, error)
	Counts(ctx context.Context, player uuid.UUID) (notifications.Counts, error)
}

// Follower asks for the live messages of a player; see live.Channel.
type Follower interface {
	Follow(player uuid.UUID)
	Unfollow(player uuid.UUID)
}

// Sessions knows which sessions are still going on; see sessionredis.Store.
type Sessions interface {
	// ActiveMany reports for each id whether the session is going on.
	ActiveMany(ctx context.Context, ids []uuid.UUID) ([]bool, error)
	// Ended calls fn for each session that ends, until ctx ends.
	Ended(ctx context.Context, fn func(session uuid.UUID)) error
}

// Hub holds the connections of this replica. It is a live.Receiver. Methods are safe for concurrent use.
type Hub struct {
	config   Config
	store    Store
	follower Follower
	sessions Sessions
	log      *slog.Logger
	now      func() time.Time

	replays    turns           // of connections that catch up
	handshakes turns           // of connections that begin
	ctx        context.Context // of reading the store; the shutdown ends it
	cancel     context.CancelFunc
	running    sync.WaitGroup // the goroutines of sockets

	mu        sync.Mutex
	closing   bool
	sockets   int
	players   map[uuid.UUID]*player
	bySession map[uuid.UUID][]*socket
}

// player is a player with connections here.
type player struct {
	sockets    []*socket
	subscribed bool // live messages arrive
}

// NewHub returns a hub without connections. config is valid.
func NewHub(config Config, store Store, follower Follower, sessions Sessions, log *slog.Logger) *Hub {
	ctx, cancel := context.WithCancel(context.Background())
	return &Hub{
		config: config, store: store, follower: follower, sessions: sessions, log: log, now: time.Now,
		replays: make(turns, replayReaders), handshakes: make(turns, handshakeReaders), ctx: ctx, cancel: cancel,
		players: map[uuid.UUID]*player{}, bySession: map[uuid.UUID][]*socket{},
	}
}

// Sockets counts the connections.
func (h *Hub) Sockets() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sockets
}

// admit makes a place for a connection, before it exists, and follows the player. Whoever asks gives the place back by
// leave, or calls start, after which the socket does so itself.
func (h *Hub) admit(caller authn.Caller, binary bool) (*socket, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.players[caller.UserID]
	switch {
	case h.closing:
		return nil, apperr.New(apperr.DependencyUnavailable, "this replica is shutting down")
	case h.sockets >= h.config.Sockets:
		return nil, apperr.New(apperr.DependencyUnavailable, "too many live connections")
	case p != nil && len(p.sockets) >= h.config.PerPlayer:
		return nil, apperr.New(apperr.RateLimited, "no more than %d live connections at once", h.config.PerPlayer)
	}
	s := &socket{hub: h, caller: caller, binary: binary, reading: true}
	if p == nil {
		p = &player{}
		h.players[caller.UserID] = p
		h.follower.Follow(caller.UserID)
	}
	p.sockets = append(p.sockets, s)
	h.bySession[caller.Session] = append(h.bySession[caller.Session], s)
	h.sockets++
	h.running.Add(1)
	return s, nil
}

// release gives the place of s back. The last connection of a player ends the following.
func (h *Hub) release(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.players[s.caller.UserID]
	p.sockets = without(p.sockets, s)
	if len(p.sockets) == 0 {
		delete(h.players, s.caller.UserID)
		h.follower.Unfollow(s.caller.UserID)
	}
	if rest := without(h.bySession[s.caller.Session], s); len(rest) > 0 {
		h.bySession[s.caller.Session] = rest
	} else {
		delete(h.bySession, s.caller.Session)
	}
	h.sockets--
	h.running.Done()
}

func without(list []*socket, s *socket) []*socket {
	i := slices.Index(list, s)
	return slices.Delete(list, i, i+1)
}

// Receive implements live.Receiver.
func (h *Hub) Receive(m live.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.players[m.Player]; p != nil {
		for _, s := range p.sockets {
			s.receive(m)
		}
	}
}

// Subscribed implements live.Receiver: the player's connections look for what they missed until now. After a lost
// connection to Redis they are also told the count of unread notifications, since read states have no number.
func (h *Hub) Subscribed(id uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.players[id]
	if p == nil {
		return
	}
	for _, s := range p.sockets {
		s.missed(p.subscribed)
	}
	p.subscribed = true
}

// all returns the connections that are there now.
func (h *Hub) all() []*socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*socket, 0, h.sockets)
	for _, p := range h.players {
		list = append(list, p.sockets...)
	}
	return list
}

// endSession ends the connections of a session.
func (h *Hub) endSession(session uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.bySession[session] {
		s.end(codeSession, "the session has ended")
	}
}
