package rpcserver

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// HeaderRequestID names a request, in the request, in every answer and in the log.
const HeaderRequestID = "X-Request-Id"

// exchange is what is known about one HTTP request while it is served. It is made by the outermost handler and filled
// on the way in and out; only the request's own goroutine touches it.
type requestInfo struct {
	requestID string
	client    netip.Addr
	clientTLS bool
	start     time.Time

	// rest is the route of a REST request, with what its body, its query and its mask were found to lack.
	rest  *route
	found []apperr.Violation
	mask  []string // proto names; nil where the request has none

	// procedure is the procedure that the interceptors saw; caller the one they authenticated.
	procedure string
	caller    string
	// err is the error that was answered.
	err *apperr.Error
}

type requestInfoKey struct{}

func requestInfoFrom(ctx context.Context) *requestInfo {
	if x, ok := ctx.Value(requestInfoKey{}).(*requestInfo); ok {
		return x
	}
	return &requestInfo{requestID: newRequestID(), start: time.Now()}
}

// RequestID returns the id of the request that ctx belongs to, or nothing outside of one.
func RequestID(ctx context.Context) string {
	if x, ok := ctx.Value(requestInfoKey{}).(*requestInfo); ok {
		return x.requestID
	}
	return ""
}

// ClientAddr returns the address of the client of the request that ctx belongs to: the peer's, or what a trusted proxy
// said it is. It is the zero Addr where it is not known.
func ClientAddr(ctx context.Context) netip.Addr { return requestInfoFrom(ctx).client }

// ClientUsesTLS reports whether the client of the request that ctx belongs to is known to use TLS: on its connection to
// this server, or on that to a trusted proxy, which says so in X-Forwarded-Proto.
func ClientUsesTLS(ctx context.Context) bool { return requestInfoFrom(ctx).clientTLS }

// begin makes the exchange of a request.
func (s *Server) begin(r *http.Request) (*requestInfo, *http.Request) {
	x := &requestInfo{requestID: ChooseRequestID(r.Header.Values(HeaderRequestID)), start: time.Now()}
	x.client, x.clientTLS = s.client(r)
	return x, r.WithContext(context.WithValue(r.Context(), requestInfoKey{}, x))
}

// client returns the client's address and whether it uses TLS. X-Real-IP and X-Forwarded-Proto count only if the peer is
// a trusted proxy: any client can send them.
func (s *Server) client(r *http.Request) (address netip.Addr, tls bool) {
	tls = r.TLS != nil
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, tls
	}
	address = peer.Addr().Unmap()
	trusted := slices.ContainsFunc(s.cfg.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(address) })
	if !trusted {
		return address.WithZone(""), tls
	}
	if client, err := netip.ParseAddr(r.Header.Get("X-Real-IP")); err == nil {
		address = client.Unmap()
	}
	scheme, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return address.WithZone(""), tls || strings.EqualFold(strings.TrimSpace(scheme), "https")
}

// ChooseRequestID returns the id of a request: the one that its client gave, if that is well-formed, else a new one.
func ChooseRequestID(given []string) string {
	if len(given) == 1 && wellFormedID(given[0]) {
		return given[0]
	}
	return newRequestID()
}

func newRequestID() string {
	id, err := uuid.NewV7()
	if err != nil {
		id = uuid.New()
	}
	return id.String()
}

// wellFormedID reports whether a client's request id is harmless in headers and logs.
func wellFormedID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}
