// Package postgres opens connection pools to PostgreSQL, runs transactions and classifies errors. The queries are in
// the packages of the services.
package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
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

	"github.com/casino-loyalty/loyalty/internal/config/dsn"
	"github.com/casino-loyalty/loyalty/internal/readiness"
)

// DefaultMaxConns is the default of Options.MaxConns.
const DefaultMaxConns = 16

// Options tunes a pool. The zero value has usable defaults.
type Options struct {
	// ApplicationName is shown in pg_stat_activity.
	ApplicationName string
	// MaxConns limits the pool; 0 means DefaultMaxConns. The pools of all replicas together must fit in max_connections of the
	// server.
	MaxConns int32
	// MinIdleConns is the number of idle connections that the pool keeps open.
	MinIdleConns int32
	// ConnectTimeout limits the time to open one connection; 0 means 5 seconds.
	ConnectTimeout time.Duration
	// Settings are set on each connection, for example "statement_timeout": "30s".
	Settings map[string]string
	// Log receives the SQL of every statement at the debug level, without arguments; nil discards it.
	Log *slog.Logger
}

// Open returns a pool after it has connected to the server. Statements are prepared once per connection and cached, and
// timestamps are read in UTC. Open returns ErrSharedSessions if a connection pooler is not in session mode. See OpenError
// for the other errors.
func Open(ctx context.Context, url string, o Options) (*pgxpool.Pool, error) {
	config, err := poolConfig(url, o)
	if err != nil {
		return nil, err
	}
	if err := probe(ctx, config.ConnConfig); err != nil {
		return nil, OpenError(config.ConnConfig, err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, OpenError(config.ConnConfig, err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, OpenError(config.ConnConfig, err)
	}
	return pool, nil
}

func poolConfig(url string, o Options) (*pgxpool.Config, error) {
	if err := CheckURL(url); err != nil {
		return nil, fmt.Errorf("postgres: connection URL %w", err)
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errMalformed
	}
	config.MaxConns = cmp.Or(o.MaxConns, DefaultMaxConns)
	config.MinIdleConns = o.MinIdleConns
	config.MaxConnLifetime = 30 * time.Minute // new connections follow a failover or a rebalanced proxy
	config.MaxConnLifetimeJitter = 5 * time.Minute
	config.MaxConnIdleTime = 5 * time.Minute
	config.ConnConfig.ConnectTimeout = cmp.Or(o.ConnectTimeout, 5*time.Second)
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	settings := takeSettings(config.ConnConfig)
	settings["idle_in_transaction_session_timeout"] = "60s" // a stuck caller must not hold its locks forever
	maps.Copy(settings, o.Settings)
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	if o.ApplicationName != "" {
		config.ConnConfig.RuntimeParams["application_name"] = o.ApplicationName
	}
	config.AfterConnect = WithSettings(prepareTypes, settings)
	if o.Log != nil && o.Log.Enabled(context.Background(), slog.LevelDebug) {
		config.ConnConfig.Tracer = queryLog{o.Log}
	}
	return config, nil
}

// ParseConfig parses the URL for a caller that connects without a pool. The caller must call prepare on each new
// connection: prepare applies the URL's settings, and returns ErrSharedSessions if a connection pooler is not in session
// mode. No error contains the URL.
func ParseConfig(url string) (config *pgx.ConnConfig, prepare func(context.Context, *pgx.Conn) error, err error) {
	if err := CheckURL(url); err != nil {
		return nil, nil, fmt.Errorf("postgres: connection URL %w", err)
	}
	if config, err = pgx.ParseConfig(url); err != nil {
		return nil, nil, errMalformed
	}
	return config, WithSettings(CheckSession, takeSettings(config)), nil
}

// errMalformed replaces the driver's parse errors, which quote the URL.
var errMalformed = errors.New("postgres: connection URL is malformed")

// errParameter replaces the driver's errors about the parameters of a well-formed URL. It completes a sentence.
var errParameter = errors.New("has a parameter with an invalid value, or names a file that cannot be read: check sslmode, " +
	"sslrootcert, connect_timeout and the others")

// CheckURL returns an error if the URL is invalid or names a file that cannot be read. It does not connect. The error
// completes a sentence that begins with the name of a setting. It contains no part of the URL.
func CheckURL(url string) error {
	if err := dsn.PostgreSQL(url); err != nil {
		return err
	}
	if _, err := pgxpool.ParseConfig(url); err != nil {
		return errParameter
	}
	return nil
}

// prepareTypes makes the driver encode the project's types directly, and return timestamptz values in UTC instead of the
// machine's time zone.
func prepareTypes(_ context.Context, conn *pgx.Conn) error {
	registerTypes(conn.TypeMap())
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// probe opens a connection, calls CheckSession and closes the connection.
func probe(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	return errors.Join(CheckSession(ctx, conn), conn.Close(ctx))
}

// OpenError returns the error of a failed connection, or of the first queries on it. It is a readiness.UnreachableError if
// the server cannot be reached or does not accept connections now. It names the server and the database, and never contains
// the URL or the password.
func OpenError(c *pgx.ConnConfig, err error) error {
	server := net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))) + "/" + c.Database
	wrapped := fmt.Errorf("postgres: open %s: %w", server, err)
	// The text of a ConnectError contains connection settings.
	if connect, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		wrapped = &connectError{server: server, err: connect}
	}
	if unreachable(err) {
		return &readiness.UnreachableError{Dependency: readiness.Database, Err: wrapped}
	}
	return wrapped
}

// unreachable reports whether a later attempt to connect may succeed.
func unreachable(err error) bool {
	if c := code(err); c != "" {
		return unavailableCode(c)
	}
	return readiness.Unreachable(err)
}

type connectError struct {
	server string
	err    *pgconn.ConnectError
}

// Error lists why each connection attempt failed. Attempts with and without TLS often fail for the same reason, which is
// listed once.
func (e *connectError) Error() string {
	reasons := slices.Compact(strings.Split(e.err.Unwrap().Error(), "\n"))
	return fmt.Sprintf("postgres: cannot connect to %s: %s", e.server, strings.Join(reasons, "; "))
}

func (e *connectError) Unwrap() error { return e.err }

// SQL returns a database/sql handle on the pool, for ent. It shares the pool's connections and limits; closing it does
// not close the pool.
func SQL(pool *pgxpool.Pool) *sql.DB { return stdlib.OpenDBFromPool(pool) }
