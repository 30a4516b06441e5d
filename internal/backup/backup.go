// Package backup dumps the PostgreSQL databases of the platform while the services run. The dumps are one consistent cut.
//
// Dumps that start one after another contradict each other, and money is lost: if users is dumped first, promotions contains
// claims whose credit is missing; if promotions is dumped first, users contains credits whose assignment is missing. Run
// therefore opens the snapshots of all databases within milliseconds and in a fixed order: notifications, promotions, users.
// No assignment changes between the snapshots of promotions and users. So each notification has its assignment, each claimed
// assignment has its credit, and each credit for a claim has its assignment. Events on their way are missing in the
// consumer's database. `loyalty events republish` publishes them again after the restore.
package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// Options configures Run.
type Options struct {
	// Users, Promotions and Notifications are the URLs of the databases. Notifications is empty if MongoDB stores them.
	Users, Promotions, Notifications string
	// Dir is the directory of the dumps, such as users.dump. Run creates it. Only the owner can read the dumps, also if others
	// can read the directory.
	Dir string
}

// lockTimeout limits how long claims and assignments wait for the snapshots.
const lockTimeout = 5 * time.Second

// Run dumps the databases with pg_dump, in its custom format. It returns an error if the directory already contains a dump
// of one of the databases, or if a database cannot be dumped. After an error it leaves no new dump. Claims and assignments
// wait for some milliseconds; Run gives up after five seconds if a transaction in progress does not end.
func Run(ctx context.Context, o Options) (err error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	var parts []string
	defer func() {
		for _, part := range parts {
			err = errors.Join(err, finish(part, err == nil))
		}
	}()
	snapshots, release, err := cut(ctx, o)
	defer release()
	if err != nil {
		return err
	}
	for _, s := range snapshots {
		file := filepath.Join(o.Dir, s.database+".dump")
		if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
			return errors.Join(fmt.Errorf("%s exists already", file), err)
		}
		parts = append(parts, file+".part")
		if err := dump(ctx, s, file+".part"); err != nil {
			return fmt.Errorf("%s: %w", s.database, err)
		}
	}
	return nil
}

// finish gives a complete dump its name, or removes an incomplete dump.
func finish(part string, complete bool) error {
	if complete {
		return os.Rename(part, strings.TrimSuffix(part, ".part"))
	}
	if err := os.Remove(part); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// snapshot is an exported snapshot of a database.
type snapshot struct{ database, url, id string }

// cut opens the snapshots. The caller must call release after the dumps, also after an error.
func cut(ctx context.Context, o Options) (snapshots []snapshot, release func(), err error) {
	var closers []func()
	release = func() {
		for _, c := range slices.Backward(closers) {
			c()
		}
	}
	databases := []snapshot{{database: "promotions", url: o.Promotions}, {database: "users", url: o.Users}}
	if o.Notifications != "" {
		databases = slices.Insert(databases, 0, snapshot{database: "notifications", url: o.Notifications})
	}
	begin := func(pool *pgxpool.Pool, options pgx.TxOptions) (pgx.Tx, error) {
		tx, err := pool.BeginTx(ctx, options)
		if err == nil {
			closers = append(closers, func() { _ = tx.Rollback(context.WithoutCancel(ctx)) })
		}
		return tx, err
	}
	// Begin all transactions before the lock is taken. A transaction gets its snapshot with its first query.
	var lock pgx.Tx
	transactions := make([]pgx.Tx, len(databases))
	for i, d := range databases {
		pool, err := postgres.Open(ctx, d.url, postgres.Options{ApplicationName: "backup", Settings: map[string]string{
			"idle_in_transaction_session_timeout": "0", // the transactions are idle during the dump
			"lock_timeout":                        lockTimeout.String(),
		}})
		if err != nil {
			return nil, release, fmt.Errorf("%s: %w", d.database, err)
		}
		closers = append(closers, pool.Close)
		options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
		if transactions[i], err = begin(pool, options); err == nil && d.database == "promotions" {
			lock, err = begin(pool, pgx.TxOptions{})
		}
		if err != nil {
			return nil, release, fmt.Errorf("%s: %w", d.database, err)
		}
	}
	for i, d := range databases {
		if d.database == "promotions" {
			if _, err := lock.Exec(ctx, "LOCK TABLE player_promotions IN SHARE MODE"); err != nil {
				return nil, release, fmt.Errorf("promotions: wait for the assignments and claims in progress: %w", err)
			}
		}
		if err := transactions[i].QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&databases[i].id); err != nil {
			return nil, release, fmt.Errorf("%s: export a snapshot: %w", d.database, err)
		}
	}
	if err := lock.Rollback(ctx); err != nil {
		return nil, release, fmt.Errorf("promotions: %w", err)
	}
	return databases, release, nil
}

// dump writes the snapshot to file. It creates the file, because pg_dump would create it with the mode of the umask. It
// replaces a file that a killed backup has left.
func dump(ctx context.Context, s snapshot, file string) error {
	target, password, err := libpq(s.url)
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "pg_dump", "--format=custom", "--snapshot="+s.id, "--file="+file, "--dbname="+target)
	command.Env = append(command.Environ(), "PGPASSWORD="+password)
	var output bytes.Buffer
	command.Stderr = &output
	if err := command.Run(); err != nil {
		return fmt.Errorf("pg_dump: %w: %s", err, strings.TrimSpace(output.String()))
	}
	return nil
}

// libpq returns the URL for the programs of PostgreSQL, and the password. The URL does not contain the password, because
// other users of the machine can see the arguments of a program. It also lacks the parameters that only the services' driver
// knows.
func libpq(text string) (target, password string, err error) {
	config, _, err := postgres.ParseConfig(text)
	if err != nil {
		return "", "", err
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", "", errors.New("the connection URL is malformed")
	}
	query := u.Query()
	for name := range query {
		known := strings.HasPrefix(name, "ssl") || name == "connect_timeout" || name == "target_session_attrs"
		if !known || name == "sslpassword" {
			query.Del(name)
		}
	}
	u.RawQuery = query.Encode()
	u.User = url.User(config.User)
	return u.String(), config.Password, nil
}
