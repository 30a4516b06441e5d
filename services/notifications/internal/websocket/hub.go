package websocket

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/logs"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/live"
)

// Store reads the notifications that a connection may have missed; see notifications.Service.
type Store interface {
	Find(ctx context.Context, player, id uuid.UUID) (int64, error)
	Since(ctx context.Context, player uuid.UUID, after int64, limit int) ([]notifications.Notification, error)
	Counts(ctx context.Context, player uuid.UUID) (notifications.Counts, error)
}

// Follower subscribes to the live messages of a player; see live.Channel.
type Follower interface {
	Follow(player uuid.UUID)
	Unfollow(player uuid.UUID)
}

// Sessions reports which sessions have ended; see sessionredis.Store.
type Sessions interface {
	// ActiveMany reports for each id whether the session is active.
	ActiveMany(ctx context.Context, ids []uuid.UUID) ([]bool, error)
	// SubscribeEnded calls fn for each session that ends, until ctx ends.
	SubscribeEnded(ctx context.Context, fn func(session uuid.UUID)) error
}

// Hub holds the connections of this replica. It implements live.Receiver. Its methods are safe for concurrent use.
type Hub struct {
	config   Config
	store    Store
	follower Follower
	sessions Sessions
	log      *slog.Logger
	repeats  *logs.Repeats // of failed reads of the store
	now      func() time.Time

	catchUps   *semaphore.Weighted // limits reads of the store by open connections
	handshakes *semaphore.Weighted // limits reads of the store by new connections
	ctx        context.Context     // for reads of the store; shutDown cancels it
	cancel     context.CancelFunc
	running    sync.WaitGroup // counts the sockets and their goroutines

	frames, slow atomic.Int64 // see Stats

	mu        sync.Mutex
	closing   bool // new connections are refused
	sockets   int
	players   map[uuid.UUID]*player
	bySession map[uuid.UUID][]*socket
	byAddress map[netip.Addr]int // number of sockets
}

// player is a player with connections to this replica.
type player struct {
	sockets    []*socket
	subscribed bool // the subscription was confirmed at least once
}

// retryAfter is the retry delay for a player or an address with too many connections. Other connections must close first.
const retryAfter = 5 * time.Second

// NewHub returns a hub without connections. config must be valid.
func NewHub(config Config, store Store, follower Follower, sessions Sessions, log *slog.Logger) *Hub {
	ctx, cancel := context.WithCancel(context.Background())
	catchUps, handshakes := newSemaphores()
	return &Hub{
		config: config, store: store, follower: follower, sessions: sessions, log: log, now: time.Now,
		repeats:  logs.NewRepeats(time.Now),
		catchUps: catchUps, handshakes: handshakes, ctx: ctx, cancel: cancel,
		players: map[uuid.UUID]*player{}, bySession: map[uuid.UUID][]*socket{}, byAddress: map[netip.Addr]int{},
	}
}

// Stats counts what a hub has done since its creation.
type Stats struct {
	// Frames is the number of notifications and read states that were written to connections. Slow is the number of
	// connections that were closed because their client did not read fast enough.
	Frames, Slow int64
}

// Stats returns the current Stats.
func (h *Hub) Stats() Stats { return Stats{h.frames.Load(), h.slow.Load()} }

// Sockets returns the number of connections.
func (h *Hub) Sockets() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sockets
}

// admit adds a socket without a connection and follows the player's messages. The caller must call release or start on
// the socket. After start, the socket releases itself. admit returns DEPENDENCY_UNAVAILABLE if the replica is full or
// shutting down, and RATE_LIMITED if the player or the client's address has too many connections. There is no limit for an
// invalid address.
func (h *Hub) admit(caller authn.Caller, client netip.Addr, binary bool) (*socket, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.players[caller.UserID]
	switch {
	case h.closing:
		return nil, apperr.New(apperr.DependencyUnavailable, "this replica is shutting down")
	case h.sockets >= h.config.MaxSockets:
		return nil, apperr.New(apperr.DependencyUnavailable, "this replica has no room for another live connection")
	case p != nil && len(p.sockets) >= h.config.MaxSocketsPerPlayer:
		return nil, tooManySockets("a player may have at most %d live connections", h.config.MaxSocketsPerPlayer)
	case client.IsValid() && h.byAddress[client] >= h.config.MaxSocketsPerAddress:
		return nil, tooManySockets("an address may have at most %d live connections", h.config.MaxSocketsPerAddress)
	}
	s := &socket{hub: h, caller: caller, client: client, binary: binary, cursor: newCursor()}
	if p == nil {
		p = &player{}
		h.players[caller.UserID] = p
		h.follower.Follow(caller.UserID)
	}
	p.sockets = append(p.sockets, s)
	h.bySession[caller.Session] = append(h.bySession[caller.Session], s)
	h.byAddress[client]++
	h.sockets++
	h.running.Add(1)
	return s, nil
}

func tooManySockets(format string, most int) *apperr.Error {
	e := apperr.New(apperr.RateLimited, format, most)
	e.RetryAfter = retryAfter
	return e
}

// release removes s. If s is the player's last connection, it unfollows the player's messages.
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
	if h.byAddress[s.client]--; h.byAddress[s.client] == 0 {
		delete(h.byAddress, s.client)
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

// Subscribed implements live.Receiver. The player's connections read missed notifications from the store. After the first
// subscription, each call also makes them read the counts, because a missed read state leaves no gap in the sequence
// numbers.
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

// all returns the current sockets.
func (h *Hub) all() []*socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*socket, 0, h.sockets)
	for _, p := range h.players {
		list = append(list, p.sockets...)
	}
	return list
}

// endSession closes the connections of a session.
func (h *Hub) endSession(session uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.bySession[session] {
		s.close(codeSession, "the session has ended")
	}
}
