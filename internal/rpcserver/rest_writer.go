package rpcserver

import (
	"fmt"
	"net/http"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// restWriter passes the successful answers of a Connect handler to the client, with the success status of the route. It
// discards error answers; finish writes a problem document instead.
type restWriter struct {
	w     http.ResponseWriter
	route *route
	info  *requestInfo
	media string // of a successful answer

	status  int  // the status of the Connect handler, or zero before it has written one
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
	h.Set("Content-Type", rw.media)
	h.Set("X-Content-Type-Options", "nosniff")
	success := rw.route.status
	if rw.info.existing {
		success = http.StatusOK
	}
	if success == http.StatusNoContent {
		rw.discard = true
		h.Del("Content-Type")
		h.Del("Content-Length")
	}
	rw.w.WriteHeader(success)
}

func (rw *restWriter) Write(b []byte) (int, error) {
	rw.WriteHeader(http.StatusOK)
	if rw.discard {
		return len(b), nil
	}
	return rw.w.Write(b)
}

func (rw *restWriter) failed() bool {
	return rw.info.err != nil || rw.status >= http.StatusBadRequest
}

// finish writes the problem document if the answer was an error.
func (rw *restWriter) finish(r *http.Request) {
	rw.WriteHeader(http.StatusOK)
	if rw.failed() {
		rw.w.Header().Del("Content-Length")
		WriteProblem(rw.w, r, rw.error())
	}
}

// error returns the error of the interceptors. The Connect handler itself refuses no request of a REST route.
func (rw *restWriter) error() *apperr.Error {
	if rw.info.err != nil {
		return rw.info.err
	}
	return apperr.New(apperr.Internal, "").WithCause(fmt.Errorf("connect answered with status %d", rw.status))
}
