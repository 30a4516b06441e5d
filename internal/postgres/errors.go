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

// SQLSTATEs that several functions use.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
)

// code returns the SQLSTATE of the server's error in err, or an empty string.
func code(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

// Conflict reports whether PostgreSQL rolled back a transaction because of a conflict with others (deadlock,
// serialization failure). An immediate retry may succeed.
func Conflict(err error) bool {
	switch code(err) {
	case serializationFailure, deadlockDetected:
		return true
	}
	return false
}

// Duplicate reports whether a unique constraint refused a row.
func Duplicate(err error) bool { return code(err) == uniqueViolation }

// LockTimedOut reports whether waiting for a lock exceeded lock_timeout.
func LockTimedOut(err error) bool { return code(err) == lockNotAvailable }

// ConstraintViolated returns the name of the unique, exclusion, check or foreign key constraint that refused a row, and
// whether there is one. It unwraps the errors of pgx, database/sql and ent.
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

// Unavailable reports whether the database could not be reached or did not answer in time, so that the same call may
// succeed later. It returns false for a call that the caller cancelled.
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

// unavailableCode reports whether an SQLSTATE means a temporary condition. It lists the codes of class 57 individually,
// because others, such as 57P04 (database dropped), are not temporary.
func unavailableCode(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", // shutting down, crashed, starting
		"57014", lockNotAvailable, // statement_timeout, lock_timeout
		"25006",                                // read-only: a replica during a failover
		"25P03",                                // idle_in_transaction_session_timeout
		serializationFailure, deadlockDetected: // conflicts that remain after the retries
		return true
	}
	return strings.HasPrefix(code, "08") || // connection exceptions
		strings.HasPrefix(code, "53") || // out of connections, memory, disk
		strings.HasPrefix(code, "58") // system errors
}
