package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"

	"github.com/casino-loyalty/loyalty/internal/pgserver"
)

// PostgresOptions says where PostgreSQL lives.
type PostgresOptions struct {
	// DataDir keeps the cluster.
	DataDir string
	// FetchDir keeps PostgreSQL's programs where they had to be fetched.
	FetchDir string
	// Repository is the base URL of the Maven repository to fetch from; empty for the library's own.
	Repository string
	Log        *slog.Logger
	// Progress is told in a few words about steps that take a moment.
	Progress func(string)
}

// StartPostgres runs a private PostgreSQL: one that is installed on this machine, or that was fetched before, of the data's
// version, and where there is none at all one that it fetches from the network now. The server flushes each commit, and
// ends with this process however that ends.
func StartPostgres(ctx context.Context, o PostgresOptions) (*pgserver.Server, error) {
	options := pgserver.Options{
		DataDir: o.DataDir, MoreBinDir: filepath.Join(o.FetchDir, "bin"), Log: o.Log, Progress: o.Progress,
	}
	server, err := pgserver.Start(ctx, options)
	if !errors.Is(err, pgserver.ErrNotInstalled) {
		return server, err
	}
	o.Progress("Fetching PostgreSQL, since this machine has none")
	if err := fetchPostgres(ctx, o.FetchDir, o.Repository); err != nil {
		return nil, fmt.Errorf("no PostgreSQL on this machine, and none could be fetched (%w): install PostgreSQL %d or "+
			"later, or start with a network connection", err, pgserver.MinVersion)
	}
	return pgserver.Start(ctx, options)
}

// fetchPostgres puts PostgreSQL's programs into dir, wholly or not at all.
//
// The library offers no download by itself, only a start that begins with one. That start is sent into a runtime
// directory that cannot be made once the programs are there, and so ends right after them, before it runs anything.
func fetchPostgres(ctx context.Context, dir, repository string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o711); err != nil {
		return err
	}
	draft := dir + ".new"
	if err := os.RemoveAll(draft); err != nil { // of a fetch that was killed
		return err
	}
	program := filepath.Join(draft, "bin", "postgres")
	config := embeddedpostgres.DefaultConfig().
		CachePath(filepath.Join(draft, "download")).
		BinariesPath(draft).
		Port(0). // of which it makes sure that it is free
		RuntimePath(filepath.Join(program, "none"))
	if repository != "" {
		config = config.BinaryRepositoryURL(repository)
	}
	started := make(chan error, 1)
	go func() { started <- embeddedpostgres.NewDatabase(config).Start() }()
	select {
	case err := <-started:
		if _, statErr := os.Stat(program); statErr != nil {
			return errors.Join(err, os.RemoveAll(draft))
		}
	case <-ctx.Done():
		// The library cannot be interrupted. Its goroutine ends with the process, which is about to; the next fetch clears
		// away what it leaves.
		return ctx.Err()
	}
	// What was fetched before could not be used, or would have been.
	if err := errors.Join(os.RemoveAll(filepath.Join(draft, "download")), readable(draft), os.RemoveAll(dir)); err != nil {
		return err
	}
	return os.Rename(draft, dir)
}

// readable lets everyone read and run what is below dir, whatever the umask was: PostgreSQL may run as another user.
func readable(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode) //nolint:gosec // in a folder of our own
	})
}
