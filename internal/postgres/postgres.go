// Package postgres opens connection pools to PostgreSQL and says what its errors mean. Queries live with the services.
package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// Options tunes a pool; the zero value is sane.
type Options struct {
	// ApplicationName is what pg_stat_activity shows.
	ApplicationName string
	// MaxConns bounds the pool; 0 is 16. Several replicas share the server's max_connections.
	MaxConns int32
	// MinIdleConns are kept open for the next request.
	MinIdleConns int32
	// ConnectTimeout bounds the opening of one connection; 0 is 5 seconds.
	ConnectTimeout time.Duration
	// Wait is how long Open waits for a server that does not answer yet; 0 is a single attempt.
	Wait time.Duration
	// Settings are set on each connection, "statement_timeout": "30s".
	Settings map[string]string
}

// Open returns a pool whose server has answered. Statements are prepared once a connection and kept; instants are UTC.
// No error of Open holds the URL or a password.
func Open(ctx context.Context, url string, o Options) (*pgxpool.Pool, error) {
	config, err := poolConfig(url, o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, openError(config.ConnConfig, err)
	}
	if err := waitFor(ctx, pool, o.Wait); err != nil {
		pool.Close()
		return nil, openError(config.ConnConfig, err)
	}
	return pool, nil
}

func poolConfig(url string, o Options) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("postgres: the connection URL is malformed") // err quotes it
	}
	config.MaxConns = cmp.Or(o.MaxConns, 16)
	config.MinIdleConns = o.MinIdleConns
	config.MaxConnLifetime = 30 * time.Minute // so that the pool follows a failover or a rebalanced proxy
	config.MaxConnLifetimeJitter = 5 * time.Minute
	config.MaxConnIdleTime = 5 * time.Minute
	config.ConnConfig.ConnectTimeout = cmp.Or(o.ConnectTimeout, 5*time.Second)
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	params := config.ConnConfig.RuntimeParams
	params["timezone"] = "UTC"
	params["idle_in_transaction_session_timeout"] = "60s" // a stuck caller must not hold its locks for ever
	if o.ApplicationName != "" {
		params["application_name"] = o.ApplicationName
	}
	maps.Copy(params, o.Settings)
	config.AfterConnect = readUTC
	return config, nil
}

// readUTC makes timestamptz values come back in UTC: the driver gives them in this machine's zone otherwise.
func readUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// waitFor pings until the server answers, wait is over, or the error is one that time does not mend.
func waitFor(ctx context.Context, pool *pgxpool.Pool, wait time.Duration) error {
	deadline := time.Now().Add(wait)
	for {
		err := pool.Ping(ctx)
		if err == nil || !Unavailable(err) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func openError(c *pgx.ConnConfig, err error) error {
	where := net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))) + "/" + c.Database
	// A ConnectError's text repeats the connection's settings; its cause is what matters.
	if connect, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return &connectError{where: where, err: connect}
	}
	return fmt.Errorf("postgres: open %s: %w", where, err)
}

type connectError struct {
	where string
	err   *pgconn.ConnectError
}

// Error says why each attempt failed, once where with and without TLS it is the same.
func (e *connectError) Error() string {
	reasons := slices.Compact(strings.Split(e.err.Unwrap().Error(), "\n"))
	return fmt.Sprintf("postgres: cannot connect to %s: %s", e.where, strings.Join(reasons, "; "))
}

func (e *connectError) Unwrap() error { return e.err }

// SQL returns a database/sql handle on the pool, for ent. It shares the pool's connections and limits; closing it does
// not close the pool.
func SQL(pool *pgxpool.Pool) *sql.DB { return stdlib.OpenDBFromPool(pool) }
