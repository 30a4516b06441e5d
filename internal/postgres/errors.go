package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
)

// The SQLSTATEs that more than one question is about.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
)

// code is the SQLSTATE of the server's error in err, empty if there is none.
func code(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

// Conflict reports whether a transaction was rolled back because of others (deadlock, serialization failure), so
// that the same may succeed at once.
func Conflict(err error) bool {
	switch code(err) {
	case serializationFailure, deadlockDetected:
		return true
	}
	return false
}

// Duplicate reports whether a unique constraint refused a row.
func Duplicate(err error) bool { return code(err) == uniqueViolation }

// LockTimedOut reports whether a lock was waited for longer than lock_timeout allows.
func LockTimedOut(err error) bool { return code(err) == lockNotAvailable }

// ConstraintViolated reports whether a unique, exclusion, check or foreign key constraint refused a row, and its name.
// It sees through the wrapping of pgx, database/sql and ent.
func ConstraintViolated(err error) (name string, ok bool) {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return "", false
	}
	switch e.Code {
	case uniqueViolation, "23P01", "23514", "23503":
		return e.ConstraintName, true
	}
	return "", false
}

// Unavailable reports whether err says that the database could not be reached or could not answer in time, so that the
// same may succeed later: not the caller's fault and not a bug. What the caller itself cancelled is not.
func Unavailable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if c := code(err); c != "" {
		return unavailableCode(c)
	}
	for _, known := range []error{
		context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, driver.ErrBadConn, sql.ErrConnDone,
		puddle.ErrClosedPool,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connect) || pgconn.Timeout(err) || pgconn.SafeToRetry(err)
}

// unavailableCode says which SQLSTATEs pass by themselves. Those of class 57 that are left out are mistakes of ours.
func unavailableCode(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", // shut down, crashed, starting
		"57014", lockNotAvailable, // cancelled by statement_timeout, lock_timeout
		"25006",                                // read-only: a replica, in the midst of a failover
		"25P03",                                // the session was idle in a transaction for too long
		serializationFailure, deadlockDetected: // still in conflict with others after the retries
		return true
	}
	return strings.HasPrefix(code, "08") || // connection exceptions
		strings.HasPrefix(code, "53") || // out of connections, memory, disk
		strings.HasPrefix(code, "58") // system errors
}
