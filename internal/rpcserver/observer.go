package rpcserver

import "time"

// Observer counts requests, for metrics. Its methods must not block, and must be safe for concurrent use.
type Observer interface {
	// Started reports that a call starts, and Ended that it has ended.
	Started()
	Ended()
	// Answered reports an answer. procedure is the procedure of the schema, such as "/loyalty.users.v1.AuthService/Login". It
	// is empty if the request has none. code is the error code of the schema, or "OK".
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

// codeOK is the code of a request without an error, in logs and metrics.
const codeOK = "OK"

// code returns the error code that the client received, or codeOK.
func (i *requestInfo) code() string {
	if i.err == nil {
		return codeOK
	}
	return string(i.err.Code)
}
