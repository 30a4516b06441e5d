package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrSharedSessions is returned for a database behind a connection pooler that may give a client a different server
// connection for each transaction or statement. Advisory locks, LISTEN, prepared statements and session settings do not
// work there.
var ErrSharedSessions = errors.New("the connection pooler shares server connections between clients " +
	"(PgBouncer pool_mode transaction or statement), but advisory locks, LISTEN and prepared statements need a session: " +
	"set pool_mode = session or connect to PostgreSQL directly")

const (
	// poolerRounds is how often CheckSession compares the two connections.
	poolerRounds = 4
	// poolerTimeout limits how long CheckSession waits for a pooler to provide a second server connection.
	poolerTimeout = 10 * time.Second
)

// CheckSession returns ErrSharedSessions if conn goes through a connection pooler that does not reserve a server
// connection for it. On a direct connection, the check takes one query. Behind a pooler, it opens a second connection
// and compares the server processes of both.
func CheckSession(ctx context.Context, conn *pgx.Conn) error {
	pid, err := backendPID(ctx, conn)
	if err != nil {
		return err
	}
	if pid == conn.PgConn().PID() { // behind a pooler, the ids differ
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, poolerTimeout)
	defer cancel()
	other, err := pgx.ConnectConfig(ctx, conn.Config())
	if err != nil {
		return err
	}
	defer func() { _ = other.Close(context.WithoutCancel(ctx)) }()
	if _, err := backendPID(ctx, other); err != nil {
		return fmt.Errorf("the connection pooler gave no second server connection; its pool (PgBouncer "+
			"default_pool_size) may be too small: %w", err)
	}
	for range poolerRounds {
		if err := compare(ctx, conn, other, pid); err != nil {
			return err
		}
	}
	return nil
}

// compare returns ErrSharedSessions if the server process of conn is ever different from pid, or if other uses the process
// pid. It checks both connections without a transaction, and again while other has an open transaction. The transaction
// makes a pooler that shares connections assign a different one to conn.
func compare(ctx context.Context, conn, other *pgx.Conn, pid uint32) error {
	ask := func(c *pgx.Conn, shared func(uint32) bool) error {
		got, err := backendPID(ctx, c)
		if err == nil && shared(got) {
			err = ErrSharedSessions
		}
		return err
	}
	moved := func(got uint32) bool { return got != pid }
	same := func(got uint32) bool { return got == pid }
	if err := errors.Join(ask(conn, moved), ask(other, same)); err != nil {
		return err
	}
	if _, err := other.Exec(ctx, "begin"); err != nil {
		return fmt.Errorf("%w (begin: %w)", ErrSharedSessions, err) // in statement mode PgBouncer refuses transactions
	}
	err := errors.Join(ask(other, same), ask(conn, moved))
	_, rollbackErr := other.Exec(ctx, "rollback")
	return errors.Join(err, rollbackErr)
}

// backendPID asks for the process id with the simple protocol, which works through every kind of pooler.
func backendPID(ctx context.Context, conn *pgx.Conn) (uint32, error) {
	var pid uint32
	err := conn.QueryRow(ctx, "select pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	return pid, err
}
