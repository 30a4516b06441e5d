package rpcserver

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// HeaderRequestID is the header of the request id, in requests and in answers. The log contains the same id.
const HeaderRequestID = "X-Request-Id"

// requestInfo is the state of a request while a server handles it. The dispatcher or, in an internal server, the first
// interceptor creates it. Only the goroutine of the request uses it.
type requestInfo struct {
	requestID string
	client    netip.Addr
	clientTLS bool
	host      string
	// trusted is true if the peer is a trusted proxy.
	trusted bool
	// span is the span of an internal call, for the log line.
	span  trace.SpanContext
	start time.Time

	// route, url and body belong to a REST request: its route, its URL, and the JSON value of its body, or nil if there is
	// none. They are nil for other requests.
	route *route
	url   *url.URL
	body  []byte
	// csv is true for a REST request whose answer is in CSV.
	csv bool
	// violations are those that bind has found in a REST request.
	violations []apperr.Violation

	// procedure is the procedure of the call. It is empty if there is none.
	procedure string
	// reached is true if the call has reached the first interceptor.
	reached bool
	// caller is the id of the authenticated caller.
	caller string
	// err is the error that the client received.
	err *apperr.Error
	// gaveUp is true if the client did not wait for the answer; see gaveUp.
	gaveUp bool
	// errorHeader is added to the answer if the call fails.
	errorHeader http.Header
	// existing is true if the call returns something that existed before; see AnswerExisting.
	existing bool
}

type requestInfoKey struct{}

// requestInfoFrom returns the requestInfo of the request that ctx belongs to, or a new one outside of a request.
func requestInfoFrom(ctx context.Context) *requestInfo {
	if info, ok := ctx.Value(requestInfoKey{}).(*requestInfo); ok {
		return info
	}
	return &requestInfo{requestID: newRequestID(), start: time.Now()}
}

// RequestID returns the id of the request that ctx belongs to, or "" outside of a request.
func RequestID(ctx context.Context) string {
	if info, ok := ctx.Value(requestInfoKey{}).(*requestInfo); ok {
		return info.requestID
	}
	return ""
}

// ClientAddr returns the address of the client that sent the request that ctx belongs to. It is the peer's address, or the
// address in X-Real-IP if the peer is a trusted proxy. It returns the zero Addr if the address is unknown.
func ClientAddr(ctx context.Context) netip.Addr { return requestInfoFrom(ctx).client }

// ClientUsesTLS reports whether the client of the request that ctx belongs to uses TLS. It uses the connection to this
// server or, behind a trusted proxy, the X-Forwarded-Proto header.
func ClientUsesTLS(ctx context.Context) bool { return requestInfoFrom(ctx).clientTLS }

// Host returns the host and port to which the client sent the request that ctx belongs to.
func Host(ctx context.Context) string { return requestInfoFrom(ctx).host }

// AddErrorHeader adds a header to the response of the request that ctx belongs to. The header is sent only if the call
// fails; a successful call sets headers on its response. The handler must call AddErrorHeader before it returns.
func AddErrorHeader(ctx context.Context, name, value string) {
	info := requestInfoFrom(ctx)
	if info.errorHeader == nil {
		info.errorHeader = http.Header{}
	}
	info.errorHeader.Add(name, value)
}

// AnswerExisting records that the request that ctx belongs to has created nothing, because what it creates existed before. A
// REST route then answers with the status 200. The method must have the option may_exist. The handler must call
// AnswerExisting before it returns.
func AnswerExisting(ctx context.Context) { requestInfoFrom(ctx).existing = true }

// begin creates the requestInfo of a request. It returns the request with the requestInfo in its context.
func (s *Server) begin(r *http.Request) (*requestInfo, *http.Request) {
	info := &requestInfo{requestID: ChooseRequestID(r.Header.Values(HeaderRequestID)), host: r.Host, start: time.Now()}
	info.client, info.clientTLS, info.trusted = s.client(r)
	return info, r.WithContext(context.WithValue(r.Context(), requestInfoKey{}, info))
}

// client returns the client's address, whether the client uses TLS and whether the peer is a trusted proxy. It uses
// X-Real-IP and X-Forwarded-Proto only if the peer is a trusted proxy, because every client can send these headers.
func (s *Server) client(r *http.Request) (address netip.Addr, tls, trusted bool) {
	tls = r.TLS != nil
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, tls, false
	}
	address = peer.Addr().Unmap()
	trusted = slices.ContainsFunc(s.cfg.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(address) })
	if !trusted {
		s.warnUntrusted(r, address)
		return address.WithZone(""), tls, false
	}
	if client, err := netip.ParseAddr(r.Header.Get("X-Real-IP")); err == nil {
		address = client.Unmap()
	}
	scheme, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return address.WithZone(""), tls || strings.EqualFold(strings.TrimSpace(scheme), "https"), true
}

// ChooseRequestID returns the client's request id if the client sent exactly one and it is well-formed, else a new id.
func ChooseRequestID(given []string) string {
	if len(given) == 1 && isRequestID(given[0]) {
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

// isRequestID reports whether a client's request id is safe in headers and logs.
func isRequestID(id string) bool {
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

// warnUntrusted logs a warning, once per Server, if an untrusted peer forwards a request for another address. The forwarded
// address is ignored, so the service treats all clients of that proxy as one client.
func (s *Server) warnUntrusted(r *http.Request, peer netip.Addr) {
	for _, name := range []string{"X-Real-IP", "X-Forwarded-For", "Forwarded"} {
		for _, value := range r.Header.Values(name) {
			if client, err := netip.ParseAddr(value); err == nil && client.Unmap() == peer {
				continue // the peer forwards its own address, as the gateway of loyalty-dev does
			}
			s.distrust.Do(func() {
				s.cfg.Log.Warn("a forwarding header from an untrusted address is ignored; "+
					"if the address is your proxy's, add it to LOYALTY_TRUSTED_PROXIES", "header", name, "address", peer.String())
			})
			return
		}
	}
}
