package rpcserver

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/limits"
)

// A request passes the door before its body is read: the caller is authenticated from the headers, and its role must be
// allowed to call the method. Whether a player passes its own id is checked after decoding; see authorize.

// admit authenticates the caller of a method that is not open and checks its role. It returns the context of the request
// with the caller in it.
func (s *Server) admit(r *http.Request, m *method) (context.Context, *apperr.Error) {
	ctx := r.Context()
	info := requestInfoFrom(ctx)
	info.procedure = m.procedure
	if m.access.open {
		return ctx, nil
	}
	caller, err := s.authenticate(ctx, r.Header)
	var refused *apperr.Error
	switch {
	case err != nil:
		refused = classify(ctx, err)
	case !m.access.roles[caller.Role]:
		refused = apperr.New(apperr.Forbidden, "your role does not allow this")
	case caller.Enrolling && !m.access.enrolling:
		refused = apperr.New(apperr.Forbidden, "a second factor is required: enrol it first, and then refresh the session")
	}
	if caller.UserID != uuid.Nil {
		info.caller = caller.UserID.String()
	}
	if refused != nil {
		s.security.refused(ctx, caller, refused)
		return ctx, refused
	}
	return authn.With(ctx, caller), nil
}

// authenticate returns the caller that the header Authorization identifies.
func (s *Server) authenticate(ctx context.Context, h http.Header) (authn.Caller, error) {
	token, ok := BearerToken(h)
	if !ok {
		return authn.Caller{}, apperr.New(apperr.TokenMissing, "the header Authorization must contain a bearer token")
	}
	return s.cfg.Authenticator.Authenticate(ctx, token)
}

// turnAway answers a request whose body has not been read, with fail. It first discards the body, if the client uses
// HTTP/1.1 and the body is not too large. Otherwise the server would have to close the connection, and the client could
// miss the answer. A client that uses HTTP/2 directly gets the answer and a reset of the stream; [discardProxied] handles
// proxies. A client that waits for "100 Continue" does not send the body.
func turnAway(
	w http.ResponseWriter, r *http.Request, e *apperr.Error, fail func(http.ResponseWriter, *http.Request, *apperr.Error),
) {
	if r.ProtoMajor == 1 && r.ContentLength != 0 && r.ContentLength <= limits.Body && !expectsContinue(r) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(limits.DrainTimeout))
		_, _ = io.CopyN(io.Discard, r.Body, limits.Body) // after an error, the server closes the connection
	}
	fail(w, r, e)
}

// discardProxied discards what a handler has left of a body that a trusted proxy sent over HTTP/2. Otherwise the server
// would reset the stream when the next part of the body arrives, and Nginx would then cut off the answer. Proxies limit
// bodies themselves: Nginx passes at most 2 MiB to an RPC.
func discardProxied(w http.ResponseWriter, body io.Reader) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(limits.DrainTimeout))
	_, _ = io.CopyN(io.Discard, body, 2*limits.Body+1) // after an error, the server resets the stream
}

func expectsContinue(r *http.Request) bool {
	return slices.ContainsFunc(r.Header.Values("Expect"), func(v string) bool { return strings.EqualFold(v, "100-continue") })
}
