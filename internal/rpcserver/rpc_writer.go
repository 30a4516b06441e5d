package rpcserver

import (
	"fmt"
	"net/http"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// unaryWriter passes on the answers of a unary Connect call, but holds back the errors that Connect answers itself before
// any interceptor runs: of its headers, of a compressed body. They tell of the library's inside and carry no details.
type unaryWriter struct {
	http.ResponseWriter
	exchange *requestInfo
	// refused is the status of the error that was held back, or zero.
	refused int
}

func (uw *unaryWriter) WriteHeader(status int) {
	switch {
	case uw.refused != 0:
	case status >= http.StatusBadRequest && uw.exchange.procedure == "": // which the first interceptor sets
		uw.refused = status
	default:
		uw.ResponseWriter.WriteHeader(status)
	}
}

func (uw *unaryWriter) Write(b []byte) (int, error) {
	if uw.refused != 0 {
		return len(b), nil
	}
	return uw.ResponseWriter.Write(b)
}

// unary serves a unary Connect call.
func (s *Server) unary(w http.ResponseWriter, r *http.Request, next http.Handler) {
	uw := &unaryWriter{ResponseWriter: w, exchange: requestInfoFrom(r.Context())}
	next.ServeHTTP(uw, r)
	if uw.refused == 0 {
		return
	}
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding"} {
		w.Header().Del(name)
	}
	s.fail(w, r, s.refusal(uw.refused))
}

// refusal is the error that stands behind a status of Connect's own.
func (s *Server) refusal(status int) *apperr.Error {
	switch status {
	case http.StatusBadRequest:
		return apperr.New(apperr.ValidationFailed, "the headers, or the compressed body, cannot be read")
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge: // RESOURCE_EXHAUSTED is the first over Connect
		return tooLarge(s.cfg.MaxBody)
	case http.StatusNotImplemented, http.StatusUnsupportedMediaType:
		return apperr.New(apperr.UnsupportedMediaType, "a body may be compressed with gzip and nothing else")
	default:
		return apperr.New(apperr.Internal, "").WithCause(fmt.Errorf("connect answered %d itself", status))
	}
}
