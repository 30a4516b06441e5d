package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5/pgconn"
)

// noticeClientDeath makes the server end the session within seconds if this process is killed, or within half a minute if
// its machine is lost. By default the server notices neither while a statement runs or waits: the statement would continue,
// for hours if it waits for a lock, and the session would keep the migration lock.
func noticeClientDeath(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `select set_config('tcp_keepalives_idle', '10', false),
		set_config('tcp_keepalives_interval', '5', false), set_config('tcp_keepalives_count', '3', false)`)
	if err != nil {
		return fmt.Errorf("set the keepalive of the session: %w", err)
	}
	_, err = conn.ExecContext(ctx, "set client_connection_check_interval = '2s'")
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "22023" {
		return nil // the operating system of the server does not support it
	}
	return err
}

var (
	condition = regexp.MustCompile(`(?i)\bif\s+(not\s+)?exists\b`)
	newIndex  = regexp.MustCompile(`(?i)^create\s+(?:unique\s+)?index\s+concurrently\s+if\s+not\s+exists\s+("[^"]+"|\w+)`)
)

// makeRepeatable prepares the database for a statement without a transaction, which an earlier process may have begun. It
// drops the invalid index that an unfinished CREATE INDEX CONCURRENTLY leaves: IF NOT EXISTS would keep it. It returns an
// error for a statement that cannot be repeated.
func makeRepeatable(ctx context.Context, conn *sql.Conn, statement string) error {
	if !condition.MatchString(statement) {
		return errors.New("a statement with txmode none must be repeatable: add IF NOT EXISTS or IF EXISTS")
	}
	match := newIndex.FindStringSubmatch(statement)
	if match == nil {
		return nil
	}
	var invalid bool
	err := conn.QueryRowContext(ctx,
		"select exists (select from pg_index where indexrelid = to_regclass($1) and not indisvalid)", match[1]).Scan(&invalid)
	if err != nil {
		return fmt.Errorf("look for an invalid index: %w", err)
	}
	if !invalid {
		return nil
	}
	if _, err := conn.ExecContext(ctx, "drop index concurrently "+match[1]); err != nil {
		return fmt.Errorf("drop the invalid index %s: %w", match[1], err)
	}
	return nil
}
