package rpcserver

import (
	"fmt"
	"net/http"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// unaryWriter passes the responses of a unary Connect call to the client. It discards the errors that Connect itself writes
// before it calls an interceptor, for example for invalid headers. Those errors have no details and reveal internals of the
// library.
type unaryWriter struct {
	http.ResponseWriter

	info *requestInfo
	// discarded is the status of the discarded error, or zero.
	discarded int
}

func (uw *unaryWriter) WriteHeader(status int) {
	switch {
	case uw.discarded != 0:
	case status >= http.StatusBadRequest && !uw.info.reached:
		uw.discarded = status
	default:
		uw.ResponseWriter.WriteHeader(status)
	}
}

func (uw *unaryWriter) Write(b []byte) (int, error) {
	if uw.discarded != 0 {
		return len(b), nil
	}
	return uw.ResponseWriter.Write(b)
}

// unary serves a unary Connect call.
func (s *Server) unary(w http.ResponseWriter, r *http.Request, next http.Handler) {
	uw := &unaryWriter{ResponseWriter: w, info: requestInfoFrom(r.Context())}
	next.ServeHTTP(uw, r)
	if uw.discarded == 0 {
		return
	}
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding"} {
		w.Header().Del(name)
	}
	s.fail(w, r, s.connectFailure(uw.discarded))
}

// connectFailure converts the status of an error that Connect itself wrote.
func (s *Server) connectFailure(status int) *apperr.Error {
	switch status {
	case http.StatusBadRequest:
		return apperr.New(apperr.ValidationFailed, "the headers or the compressed body could not be read")
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge: // Connect sends 429 for RESOURCE_EXHAUSTED
		return tooLarge(s.cfg.MaxBody)
	case http.StatusNotImplemented, http.StatusUnsupportedMediaType:
		return apperr.New(apperr.UnsupportedMediaType, "gzip is the only supported compression")
	default:
		return apperr.New(apperr.Internal, "").WithCause(fmt.Errorf("connect answered with status %d", status))
	}
}
