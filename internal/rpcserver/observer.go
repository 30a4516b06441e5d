package rpcserver

import (
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Observer counts requests, for metrics. Its methods must not block, and must be safe for concurrent use.
type Observer interface {
	// Started reports that a call starts, and Ended that it has ended.
	Started()
	Ended()
	// Answered reports an answer. procedure is the procedure of the schema, such as "/loyalty.users.v1.AuthService/Login". It
	// is empty if the request has none. code is the error code of the schema, "OK", or "CANCELED" if the client gave up.
	Answered(procedure, code string, took time.Duration)
}

// ignore is the Observer of servers and clients without one.
type ignore struct{}

func (ignore) Started()                              {}
func (ignore) Ended()                                {}
func (ignore) Answered(_, _ string, _ time.Duration) {}

// orIgnore returns o, or an Observer that ignores everything if o is nil.
func orIgnore(o Observer) Observer {
	if o == nil {
		return ignore{}
	}
	return o
}

// Codes in logs and metrics that the schema does not have: of a request without an error, and of a request whose client
// disconnected or set a deadline that passed at once.
const (
	codeOK       = "OK"
	codeCanceled = "CANCELED"
)

// code returns the error code that the client received, codeOK or codeCanceled.
func (i *requestInfo) code() string {
	switch {
	case i.err == nil:
		return codeOK
	case i.gaveUp && i.err.Code == apperr.DependencyUnavailable:
		return codeCanceled
	}
	return string(i.err.Code)
}
