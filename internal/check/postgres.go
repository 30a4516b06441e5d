package check

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// Database is the PostgreSQL database of a service.
type Database struct {
	// Name is the name of the database in commands of loyalty migrate.
	Name string
	// URL locates the database, with the role of the service.
	URL string
	// Migrations are the migrations of this program.
	Migrations fs.FS
	// Privileges are those that the role of the service needs, and no more.
	Privileges dbrole.Privileges
	// Ledger is the name of the append-only table, empty if the database has none.
	Ledger string
	// Connections is the number of connections that all replicas of all services may open to the server of the database.
	Connections int
	// Preflight is true before the migrations of an installation. Pending migrations are then not a failure.
	Preflight bool
}

// MaxConnections is the number of connections that one replica of a service opens at most: its pool, and the connection of
// its outbox relay.
const MaxConnections = postgres.DefaultMaxConns + 1

// minPostgres is the oldest supported version, as in server_version_num.
const minPostgres = 15_00_00

// Run implements the check of a database.
func (d Database) Run(ctx context.Context, r *Report) {
	pool, err := postgres.Open(ctx, d.URL, postgres.Options{ApplicationName: "check", MaxConns: 1})
	if err != nil {
		r.FailedTo("connect", err, "check the URL, the role and its password, and that the server runs")
		return
	}
	defer pool.Close()
	for _, step := range []func(context.Context, *pgxpool.Pool, *Report) error{d.server, d.migrations, d.role, d.ledger} {
		if err := step(ctx, pool, r); err != nil {
			r.FailedTo("read the state of the database", err, "look into the log of the server")
			return
		}
	}
}

// server checks the version, the clock, the settings that protect committed data, and the number of connections.
func (d Database) server(ctx context.Context, pool *pgxpool.Pool, r *Report) error {
	var (
		version                                  string
		number, maxConnections, reserved         int
		now                                      time.Time
		standby                                  bool
		fsync, synchronousCommit, fullPageWrites string
	)
	before := time.Now()
	err := pool.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('server_version_num')::int,
		current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int,
		clock_timestamp(), pg_is_in_recovery(),
		current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes')`).Scan(
		&version, &number, &maxConnections, &reserved, &now, &standby, &fsync, &synchronousCommit, &fullPageWrites)
	if err != nil {
		return err
	}
	after := time.Now()
	version, _, _ = strings.Cut(version, " ")
	if number < minPostgres {
		r.Fail("the server is PostgreSQL "+version, "upgrade it to version 15 or later")
	} else {
		r.OKf("connected; the server is PostgreSQL %s", version)
	}
	if standby {
		r.Fail("the server is a read-only standby", "use the address of the primary")
	}
	r.Clock(now, before, after)
	safe := true
	for _, s := range []struct{ name, value, effect string }{
		{"fsync", fsync, "a crash of the machine can destroy the database"},
		{"full_page_writes", fullPageWrites, "a crash of the machine can destroy the database"},
		{"synchronous_commit", synchronousCommit, "a crash loses credits that were acknowledged"},
	} {
		if s.value == "off" {
			safe = false
			r.Fail(s.name+" is off: "+s.effect, "set "+s.name+" = on, for the server and for the role")
		}
	}
	if safe {
		r.OKf("committed data survives a crash: fsync, full_page_writes and synchronous_commit are on")
	}
	if free := maxConnections - reserved; d.Connections > free {
		r.Warn(fmt.Sprintf("the replicas may open %d connections to this server, which accepts %d", d.Connections, free),
			"raise max_connections, or use a connection pooler in session mode")
	} else {
		r.OKf("the server accepts %d connections; the replicas open %d at most", free, d.Connections)
	}
	return nil
}

// migrations compares the database with the migrations of this program.
func (d Database) migrations(ctx context.Context, pool *pgxpool.Pool, r *Report) error {
	var exists, readable bool
	err := pool.QueryRow(ctx, `SELECT t IS NOT NULL, coalesce(has_table_privilege(t, 'SELECT'), false)
		FROM to_regclass('public.atlas_schema_revisions') t`).Scan(&exists, &readable)
	if err != nil {
		return err
	}
	if exists && !readable {
		r.Fail("the role cannot read public.atlas_schema_revisions, so the service never becomes ready",
			"GRANT SELECT ON public.atlas_schema_revisions to the role")
		return nil
	}
	status, err := migrate.StatusOf(ctx, d.URL, d.Migrations)
	if err != nil {
		return err
	}
	pending := report(r.Fail)
	if d.Preflight {
		pending = r.Warn
	}
	switch {
	case status.Err() != nil:
		r.Fail(status.Err().Error(), "check that the URL names the database of "+d.Name+", and that this is the right release")
	case len(status.Pending) > 0:
		pending(fmt.Sprintf("%s pending: %s", cli.Count(len(status.Pending), "migration is", "migrations are"),
			strings.Join(status.Pending, ", ")), "run loyalty migrate up "+d.Name)
	case len(status.Newer) > 0:
		r.Warn("the database has migrations of a newer release: "+strings.Join(status.Newer, ", "), "upgrade this program")
	default:
		r.OKf("all %s of this program are applied", cli.Count(len(status.Applied), "migration", "migrations"))
	}
	return nil
}

// report is Report.Warn or Report.Fail.
type report func(finding, action string)
