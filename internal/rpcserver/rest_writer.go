package rpcserver

import (
	"fmt"
	"net/http"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// restWriter passes the transcoder's successful answers to the client, with the success status of the route. It discards
// error answers; finish writes a problem document instead.
type restWriter struct {
	w     http.ResponseWriter
	route *route
	info  *requestInfo

	status  int  // the transcoder's status, or zero before the transcoder has written one
	discard bool // the body is not passed to the client
}

func (rw *restWriter) Header() http.Header { return rw.w.Header() }

func (rw *restWriter) WriteHeader(status int) {
	if rw.status != 0 {
		return
	}
	rw.status = status
	if rw.failed() {
		rw.discard = true
		return
	}
	h := rw.w.Header()
	h.Del("Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	if rw.route.status == http.StatusNoContent {
		rw.discard = true
		h.Del("Content-Type")
		h.Del("Content-Length")
	}
	rw.w.WriteHeader(rw.route.status)
}

func (rw *restWriter) Write(b []byte) (int, error) {
	rw.WriteHeader(http.StatusOK)
	if rw.discard {
		return len(b), nil
	}
	return rw.w.Write(b)
}

// Flush does nothing. The transcoder requires the method, but answers are small and are sent when they are complete.
func (rw *restWriter) Flush() {}

func (rw *restWriter) failed() bool {
	return rw.info.err != nil || rw.status >= http.StatusBadRequest
}

// finish writes the problem document if the transcoder's answer was an error.
func (rw *restWriter) finish(r *http.Request) {
	rw.WriteHeader(http.StatusOK)
	if rw.failed() {
		rw.w.Header().Del("Content-Length")
		WriteProblem(rw.w, r, rw.error())
	}
}

// error returns the error of the interceptors. If no interceptor returned an error, it converts the transcoder's status to
// an error.
func (rw *restWriter) error() *apperr.Error {
	if rw.info.err != nil {
		return rw.info.err
	}
	switch rw.status {
	case http.StatusNotFound:
		return notFound()
	case http.StatusMethodNotAllowed:
		return apperr.New(apperr.MethodNotAllowed, "the method is not allowed for this path")
	case http.StatusBadRequest:
		return apperr.New(apperr.ValidationFailed, "the request could not be read")
	case http.StatusUnsupportedMediaType:
		return rw.route.unsupportedMedia(rw.w)
	default:
		return apperr.New(apperr.Internal, "").WithCause(fmt.Errorf("the transcoder answered with status %d", rw.status))
	}
}
