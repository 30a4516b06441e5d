package readiness

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// The names of the dependencies in logs, metrics and health checks.
const (
	Database = "database"
	Redis    = "Redis"
	Bus      = "event bus"
)

// UnreachableError says that a dependency cannot be reached, so that a later attempt may succeed. Its text is the text of
// Err.
type UnreachableError struct {
	// Dependency is Database, Redis or Bus.
	Dependency string
	// Err is the failure. It must not contain secrets.
	Err error
}

// Error implements error.
func (e *UnreachableError) Error() string { return e.Err.Error() }

// Unwrap returns the failure.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Unreachable reports whether err is a failure of the network: the name of the server has no address, the connection was
// refused or closed, or the server did not answer in time. It returns false for a refused certificate, because a later
// attempt would fail too, and for a call that the caller canceled.
func Unreachable(err error) bool {
	if errors.Is(err, context.Canceled) || RefusedTLS(err) {
		return false
	}
	for _, known := range []error{
		context.DeadlineExceeded, os.ErrDeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	var operation *net.OpError
	var name *net.DNSError
	return errors.As(err, &operation) || errors.As(err, &name)
}

// RefusedTLS reports whether the client or the server refused the certificate of the other, or the server does not use TLS.
func RefusedTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	var operation *net.OpError
	const alert = "remote error" // the operation in the errors of package tls for an alert of the server
	return errors.As(err, &certificate) || errors.As(err, &plain) || errors.As(err, &operation) && operation.Op == alert
}
