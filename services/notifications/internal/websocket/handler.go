package websocket

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/origin"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// Path is the path of the endpoint.
const Path = "/notifications/ws"

// The subprotocols. A browser cannot set the Authorization header, so it offers the access token as an additional
// subprotocol that starts with tokenPrefix. The response never contains the token.
const (
	protocolJSON   = "loyalty.v1"
	protocolBinary = "loyalty.v1+proto"
	tokenPrefix    = "bearer."
)

// Authenticator verifies an access token and returns its caller.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (authn.Caller, error)
}

// Handler accepts connections: GET /notifications/ws[?since=<notification id>]. It answers an invalid handshake with a
// problem document instead of an upgrade.
type Handler struct {
	hub      *Hub
	auth     Authenticator
	origins  origin.Policy
	upgrader websocket.Upgrader
}

// NewHandler returns a handler that adds connections to hub. It returns an error if a configured origin is malformed.
func NewHandler(hub *Hub, auth Authenticator) (*Handler, error) {
	origins, err := origin.NewPolicy(hub.config.Origins)
	if err != nil {
		return nil, err
	}
	return &Handler{hub: hub, auth: auth, origins: origins, upgrader: websocket.Upgrader{
		ReadBufferSize: bufferSize, WriteBufferSize: bufferSize, WriteBufferPool: &sync.Pool{},
		HandshakeTimeout: hub.config.WriteTimeout,
		CheckOrigin:      func(*http.Request) bool { return true }, // authenticate checks the origin
		Error: func(w http.ResponseWriter, r *http.Request, _ int, reason error) {
			w.Header().Set("Sec-Websocket-Version", "13") // the only version; RFC 6455, 4.4
			refuse(w, r, apperr.New(apperr.ValidationFailed, "the WebSocket handshake is not valid").WithCause(reason))
		},
	}}, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	offered := listValues(r.Header, "Sec-Websocket-Protocol")
	protocol := chooseProtocol(offered)
	s, err := h.prepare(r, offered, protocol == protocolBinary)
	if err != nil {
		refuse(w, r, err)
		return
	}
	header := http.Header{}
	if protocol != "" {
		header.Set("Sec-Websocket-Protocol", protocol)
	}
	conn, err := h.upgrader.Upgrade(meteredWriter{w, s}, singleValues(r), header)
	if err != nil { // the upgrader has sent the error response
		s.release()
		return
	}
	s.start(conn)
}

// prepare checks the handshake, adds a socket to the hub and finds its position. The socket has no connection yet. After
// an error, the hub does not hold the socket.
func (h *Handler) prepare(r *http.Request, offered []string, binary bool) (*socket, error) {
	ctx, cancel := context.WithTimeout(r.Context(), h.hub.config.StoreTimeout)
	defer cancel()
	caller, err := h.authenticate(ctx, r, offered)
	if err != nil {
		return nil, err
	}
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	s, err := h.hub.admit(caller, rpcserver.Network(rpcserver.ClientAddr(r.Context())), binary)
	if err != nil {
		return nil, err
	}
	if err := s.findPosition(ctx, query[paramSince]); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

// authenticate checks the method, the origin, the token and the upgrade headers, and returns the caller.
func (h *Handler) authenticate(ctx context.Context, r *http.Request, offered []string) (authn.Caller, error) {
	switch {
	case r.Method != http.MethodGet:
		return authn.Caller{}, apperr.New(apperr.MethodNotAllowed, "a WebSocket handshake is a GET request")
	case !h.origins.Allows(r.Header, r.Host, rpcserver.ClientUsesTLS(ctx)):
		return authn.Caller{}, apperr.New(apperr.Forbidden, "pages of this origin are not allowed to connect")
	}
	token, ok := rpcserver.BearerToken(r.Header)
	if !ok {
		token, ok = bearerProtocol(offered)
	}
	if !ok {
		return authn.Caller{}, apperr.New(apperr.TokenMissing,
			"an access token is required: as Authorization: Bearer, or as the subprotocol %s<token>", tokenPrefix)
	}
	caller, err := h.auth.Authenticate(ctx, token)
	switch {
	case err != nil:
		return authn.Caller{}, err
	case caller.Role != authn.RolePlayer:
		return authn.Caller{}, apperr.New(apperr.Forbidden, "only players have live notifications")
	case !isUpgrade(r.Header):
		return authn.Caller{}, apperr.Invalid("Upgrade", "header", "the request is not a WebSocket handshake")
	}
	return caller, nil
}

// paramSince is the query parameter with the id of the last notification that the client received.
const paramSince = "since"

// parseQuery parses the query. It returns VALIDATION_FAILED for an unknown parameter. Otherwise, a misspelt since would
// be ignored, and the client would miss notifications.
func parseQuery(raw string) (url.Values, error) {
	query := rpcserver.ParseQuery(raw)
	var unknown []apperr.Violation
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if name != paramSince {
			unknown = append(unknown, rpcserver.UnknownParameter(name))
		}
	}
	if len(unknown) > 0 {
		return nil, apperr.InvalidAll(unknown)
	}
	return query, nil
}

// refuse answers a handshake with a problem document. A timeout or cancellation without an error code becomes
// DEPENDENCY_UNAVAILABLE.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	timedOut := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	if apperr.CodeOf(err) == apperr.Internal && timedOut {
		err = errNotPrepared(err)
	}
	if apperr.CodeOf(err) == apperr.MethodNotAllowed {
		w.Header().Set("Allow", http.MethodGet)
	}
	rpcserver.WriteProblem(w, r, err)
}

func errNotPrepared(cause error) error {
	return apperr.New(apperr.DependencyUnavailable, "the connection could not be prepared in time").WithCause(cause)
}

// findPosition sets the position of the socket's cursor: the notification that since names, or the newest one. It runs
// before the upgrade, so that the client receives everything that happens after the upgrade. It returns
// DEPENDENCY_UNAVAILABLE if ctx or the hub ends before the store answers.
func (s *socket) findPosition(ctx context.Context, since []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.hub.ctx, cancel)()
	if err := s.hub.handshakes.Acquire(ctx, 1); err != nil {
		return errNotPrepared(err)
	}
	defer s.hub.handshakes.Release(1)
	s.mu.Lock()
	s.cursor.forgetMissed()
	s.mu.Unlock()
	p, err := s.readPosition(ctx, since)
	switch {
	case err != nil && ctx.Err() != nil:
		return errNotPrepared(err)
	case err != nil:
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, s.cursor.start(p)...)
	return nil
}

// readPosition reads the position from the store. Without since, the position is the newest notification. If since is
// malformed or repeated, or names an unknown notification, the position is also the newest notification, and reset is set.
func (s *socket) readPosition(ctx context.Context, since []string) (position, error) {
	store, player := s.hub.store, s.caller.UserID
	if len(since) == 1 {
		if id, err := uuid.Parse(since[0]); err == nil {
			seq, err := store.Find(ctx, player, id)
			if apperr.CodeOf(err) != apperr.NotFound {
				return position{lastSent: seq, resumed: true}, err
			}
		}
	}
	counts, err := store.Counts(ctx, player)
	return position{lastSent: int64(counts.Total), readCount: int64(counts.Total - counts.Unread), reset: len(since) > 0}, err
}
