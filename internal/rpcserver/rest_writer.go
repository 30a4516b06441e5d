package rpcserver

import (
	"fmt"
	"net/http"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// restWriter passes the transcoder's good answers on, with the schema's status, and holds back the bad ones: finish
// writes a problem document in their place.
type restWriter struct {
	w        http.ResponseWriter
	route    *route
	exchange *requestInfo

	status int  // the transcoder's; zero until it wrote one
	drop   bool // the body is not passed on
}

func (rw *restWriter) Header() http.Header { return rw.w.Header() }

func (rw *restWriter) WriteHeader(status int) {
	if rw.status != 0 {
		return
	}
	rw.status = status
	if rw.failed() {
		rw.drop = true
		return
	}
	h := rw.w.Header()
	h.Del("Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	if rw.route.status == http.StatusNoContent {
		rw.drop = true
		h.Del("Content-Type")
		h.Del("Content-Length")
	}
	rw.w.WriteHeader(rw.route.status)
}

func (rw *restWriter) Write(b []byte) (int, error) {
	rw.WriteHeader(http.StatusOK)
	if rw.drop {
		return len(b), nil
	}
	return rw.w.Write(b)
}

// Flush is there because the transcoder asks for it; answers are small and go out when they are complete.
func (rw *restWriter) Flush() {}

func (rw *restWriter) failed() bool {
	return rw.exchange.err != nil || rw.status >= http.StatusBadRequest
}

// finish writes the problem document of an answer that was held back.
func (rw *restWriter) finish(r *http.Request) {
	rw.WriteHeader(http.StatusOK)
	if rw.failed() {
		h := rw.w.Header()
		h.Del("Content-Length")
		WriteProblem(rw.w, r, rw.error())
	}
}

// error is that of the interceptors, or what the transcoder meant where it never called them.
func (rw *restWriter) error() *apperr.Error {
	if rw.exchange.err != nil {
		return rw.exchange.err
	}
	switch rw.status {
	case http.StatusNotFound:
		return apperr.New(apperr.NotFound, "there is nothing at this path")
	case http.StatusMethodNotAllowed:
		return apperr.New(apperr.MethodNotAllowed, "the method is not allowed here")
	case http.StatusBadRequest:
		return apperr.New(apperr.ValidationFailed, "the request cannot be read")
	case http.StatusUnsupportedMediaType:
		return apperr.New(apperr.UnsupportedMediaType, "the body is to be application/json")
	default:
		return apperr.New(apperr.Internal, "").WithCause(fmt.Errorf("the transcoder answered %d", rw.status))
	}
}
