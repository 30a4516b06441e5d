package websocket

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

// Path is where connections are opened.
const Path = "/notifications/ws"

// The subprotocols. A browser, which cannot set a header, gives its token as one more "subprotocol" behind tokenPrefix;
// it is never repeated in the answer.
const (
	protocolJSON   = "loyalty.v1"
	protocolBinary = "loyalty.v1+proto"
	tokenPrefix    = "bearer."
)

// Authenticator tells who an access token speaks for.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (authn.Caller, error)
}

// Handler opens connections: GET /notifications/ws[?since=<notification id>]. What it refuses, it refuses before the
// upgrade, as a problem document.
type Handler struct {
	hub      *Hub
	auth     Authenticator
	origins  []string
	upgrader websocket.Upgrader
}

// NewHandler returns the handler that fills a hub.
func NewHandler(hub *Hub, auth Authenticator) (*Handler, error) {
	origins, err := parseOrigins(hub.config.Origins)
	if err != nil {
		return nil, err
	}
	return &Handler{hub: hub, auth: auth, origins: origins, upgrader: websocket.Upgrader{
		ReadBufferSize: bufferSize, WriteBufferSize: bufferSize, WriteBufferPool: &sync.Pool{},
		HandshakeTimeout: hub.config.Write,
		CheckOrigin:      func(*http.Request) bool { return true }, // done by then
		Error: func(w http.ResponseWriter, r *http.Request, _ int, reason error) {
			rpcserver.WriteProblem(w, r, apperr.New(apperr.ValidationFailed, "the handshake is not valid").WithCause(reason))
		},
	}}, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	offered := websocket.Subprotocols(r)
	ctx, cancel := context.WithTimeout(r.Context(), h.hub.config.Store)
	defer cancel()
	caller, err := h.check(r.WithContext(ctx), offered)
	if err != nil {
		refuse(w, r, err)
		return
	}
	query, err := parameters(r)
	if err != nil {
		refuse(w, r, err)
		return
	}
	protocol := choose(offered)
	s, err := h.hub.admit(caller, protocol == protocolBinary)
	if err != nil {
		refuse(w, r, err)
		return
	}
	if err := s.stand(ctx, query["since"]); err != nil {
		s.leave()
		refuse(w, r, err)
		return
	}
	header := http.Header{}
	if protocol != "" {
		header.Set("Sec-Websocket-Protocol", protocol)
	}
	conn, err := h.upgrader.Upgrade(w, r, header)
	if err != nil { // answered
		s.leave()
		return
	}
	s.start(conn)
}

// check answers who opens the connection, or why nobody may.
func (h *Handler) check(r *http.Request, offered []string) (authn.Caller, error) {
	switch {
	case r.Method != http.MethodGet:
		return authn.Caller{}, apperr.New(apperr.MethodNotAllowed, "a WebSocket is opened by GET")
	case !originAllowed(r, h.origins):
		return authn.Caller{}, apperr.New(apperr.Forbidden, "pages of this origin may not connect")
	}
	token, ok := token(r, offered)
	if !ok {
		return authn.Caller{}, apperr.New(apperr.TokenMissing,
			"the header Authorization with a bearer token, or the subprotocol %s<token>, is needed", tokenPrefix)
	}
	caller, err := h.auth.Authenticate(r.Context(), token)
	switch {
	case err != nil:
		return authn.Caller{}, err
	case caller.Role != authn.RolePlayer:
		return authn.Caller{}, apperr.New(apperr.Forbidden, "only players have live notifications")
	case !websocket.IsWebSocketUpgrade(r):
		return authn.Caller{}, apperr.Invalid("Upgrade", "header", "a WebSocket handshake is needed here")
	}
	return caller, nil
}

// parameters reads the query, whose only name is since: one that is misspelt would resume nothing, and say nothing.
func parameters(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, apperr.Invalid("", "query", "the query is malformed")
	}
	for name := range query {
		if name != "since" {
			return nil, apperr.Invalid(strings.ToValidUTF8(name, "�"), "query", "there is no such parameter")
		}
	}
	return query, nil
}

func token(r *http.Request, offered []string) (string, bool) {
	if token, ok := rpcserver.BearerToken(r.Header); ok {
		return token, true
	}
	for _, protocol := range offered {
		if token, ok := strings.CutPrefix(protocol, tokenPrefix); ok {
			return token, token != ""
		}
	}
	return "", false
}

// choose returns the first subprotocol that is known here; empty is JSON too.
func choose(offered []string) string {
	for _, protocol := range offered {
		if protocol == protocolJSON || protocol == protocolBinary {
			return protocol
		}
	}
	return ""
}

func refuse(w http.ResponseWriter, r *http.Request, err error) {
	if apperr.CodeOf(err) == apperr.MethodNotAllowed {
		w.Header().Set("Allow", http.MethodGet)
	}
	rpcserver.WriteProblem(w, r, err)
}

// stand finds the number after which the connection begins: that of the notification in since, or the newest. It runs
// before the upgrade, so that whatever happens after the client is connected reaches it. A store that does not answer
// before ctx ends, or the hub, must not hold the place of the connection.
func (s *socket) stand(ctx context.Context, since []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.hub.ctx, cancel)()
	if err := s.hub.handshakes.take(ctx); err != nil {
		return unprepared(err)
	}
	defer s.hub.handshakes.give()
	s.mu.Lock()
	s.behind = false // what was missed until now is covered by what is read now
	s.mu.Unlock()
	last, read, resumed, err := s.position(ctx, since)
	switch {
	case err != nil && ctx.Err() != nil:
		return unprepared(err)
	case err != nil:
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false
	s.last, s.marked = last, max(s.marked, read)
	s.behind = s.behind || resumed || s.edge > last
	s.settle()
	return nil
}

func unprepared(err error) error {
	return apperr.New(apperr.DependencyUnavailable, "the connection could not be prepared in time").WithCause(err)
}

// position returns the number after which the connection begins, and how many notifications up to it are read, 0 if that
// is not known.
func (s *socket) position(ctx context.Context, since []string) (last, read int64, resumed bool, err error) {
	store, player := s.hub.store, s.caller.UserID
	if len(since) > 0 {
		seq, err := int64(0), error(apperr.New(apperr.NotFound, ""))
		if id, malformed := uuid.Parse(since[0]); malformed == nil && len(since) == 1 {
			seq, err = store.Find(ctx, player, id)
		}
		if apperr.CodeOf(err) != apperr.NotFound {
			return seq, 0, err == nil, err
		}
		s.mu.Lock()
		s.enqueue(frame.Reset("the notification to resume from is not known"))
		s.mu.Unlock()
	}
	counts, err := store.Counts(ctx, player)
	return int64(counts.Total), int64(counts.Total - counts.Unread), false, err
}
