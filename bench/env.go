package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/pgserver"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// Env is the environment of all rows: a PostgreSQL server that has the database of the users service, filled with players.
// Rows that need more start the programs or the fleet.
type Env struct {
	machine  Machine
	progress func(format string, args ...any)
	log      *slog.Logger
	profiles string // folder for profiles, or empty

	folder string
	binDir string
	server *pgserver.Server
	url    string
	pool   *pgxpool.Pool
	key    ledgerchain.Key

	programs   programs
	running    *fleet // nil until a row needs it
	growth     *grown // nil until a row needs it
	growthRows int    // rows of the large tables
}

// programs are the paths of the programs, from build.
type programs struct{ loyalty, dev, minimal, bare string }

// ourPlayers is the number of players that the platform uses. pgbench uses the same number of other players.
const ourPlayers = 8192

// playerID returns the id of player n: playerPrefix and the 12 digits of firstPlayer+n. pgbench builds the same ids.
func playerID(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("%s%d", playerPrefix, firstPlayer+n))
}

const (
	playerPrefix = "00000000-0000-7000-8000-"
	firstPlayer  = 100_000_000_000
)

func newEnv(ctx context.Context, dir string, progress func(string, ...any)) (_ *Env, err error) {
	env := &Env{progress: progress, log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	defer func() {
		if err != nil {
			err = errors.Join(err, env.Close())
		}
	}()
	installed, err := pgserver.Find()
	if err != nil {
		return nil, err
	}
	env.binDir = installed.BinDir
	if env.key, err = ledgerchain.ParseKey(ledgerchain.GenerateKey()); err != nil {
		return nil, err
	}
	if env.folder, err = os.MkdirTemp(dir, "loyalty-bench-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(env.folder, 0o755); err != nil { // the server may run as another user
		return nil, err
	}
	progress("starting PostgreSQL %d", installed.Version)
	env.server, err = pgserver.Start(ctx, pgserver.Options{
		BinDir: env.binDir, DataDir: filepath.Join(env.folder, "postgres"),
		// Use the settings of a dedicated server to limit checkpoints and cache misses. Commits are flushed to disk.
		Settings: map[string]string{
			"shared_buffers": "256MB", "max_wal_size": "4GB", "checkpoint_timeout": "30min", "max_connections": "300",
		},
	})
	if err != nil {
		return nil, err
	}
	if err := env.createUsers(ctx); err != nil {
		return nil, err
	}
	var version string
	if err := env.pool.QueryRow(ctx, "SHOW server_version").Scan(&version); err != nil {
		return nil, err
	}
	env.machine = thisMachine(version)
	return env, nil
}

// createUsers creates the database of the users service and inserts the players.
func (e *Env) createUsers(ctx context.Context) (err error) {
	if err := e.server.CreateDatabase(ctx, "users"); err != nil {
		return err
	}
	e.url = e.server.URL("users")
	if _, err := migrate.Up(ctx, e.url, atlas.Users, dbrole.Role{}, e.log); err != nil {
		return err
	}
	if e.pool, err = postgres.Open(ctx, e.url, postgres.Options{ApplicationName: "bench"}); err != nil {
		return err
	}
	_, err = e.pool.Exec(ctx, `
		INSERT INTO users (id, email, email_folded, role, password_hash, created_at)
		SELECT ($1::text || n)::uuid, email, lower(email), 'PLAYER', '', now()
		FROM generate_series($2::bigint, $3::bigint) n, concat('player', n, '@example.com') email`,
		playerPrefix, firstPlayer, firstPlayer+2*ourPlayers-1)
	if err != nil {
		return err
	}
	_, err = e.pool.Exec(ctx, "CREATE SEQUENCE bench_ids CACHE 64") // for pgbench
	if err != nil {
		return err
	}
	_, err = e.pool.Exec(ctx, "VACUUM ANALYZE")
	return err
}

// build builds the programs as the container image does, unless they are built already.
func (e *Env) build(ctx context.Context) error {
	if e.programs != (programs{}) {
		return nil
	}
	e.progress("  building the programs")
	folder := filepath.Join(e.folder, "bin") + string(filepath.Separator)
	for _, args := range [][]string{
		{"scripts/build.sh", folder + "loyalty"},
		{"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", folder, "./cmd/loyalty-dev", "./bench/minimal", "./bench/bare"},
	} {
		command := exec.CommandContext(ctx, args[0], args[1:]...)
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("build the programs: %w\n%s", err, out)
		}
	}
	e.programs = programs{folder + "loyalty", folder + "loyalty-dev", folder + "minimal", folder + "bare"}
	return nil
}

func (e *Env) newScope(ctx context.Context) *scope {
	return &scope{ctx: ctx, folder: e.folder, log: e.progress}
}

// tidy resets the database before a measurement. It truncates the outbox because no relay empties it here.
func (e *Env) tidy(ctx context.Context) error {
	for _, sql := range []string{"TRUNCATE outbox", "VACUUM ANALYZE users", "CHECKPOINT"} {
		if _, err := e.pool.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// Close stops the servers and removes their data.
func (e *Env) Close() error {
	var errs []error
	if e.running != nil {
		errs = append(errs, e.running.close())
	}
	if e.pool != nil {
		e.pool.Close()
	}
	if e.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		errs = append(errs, e.server.Stop(ctx))
	}
	if e.folder != "" {
		errs = append(errs, os.RemoveAll(e.folder))
	}
	return errors.Join(errs...)
}

// versionOf returns the version that a program prints: the first word with a digit and a point.
func versionOf(ctx context.Context, program string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w", program, err)
	}
	for word := range strings.FieldsSeq(string(out)) {
		if strings.ContainsAny(word, "0123456789") && strings.Contains(word, ".") {
			return word[strings.LastIndexAny(word, "/=")+1:], nil
		}
	}
	return "", fmt.Errorf("%s prints no version: %s", program, out)
}
