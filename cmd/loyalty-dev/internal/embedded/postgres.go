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

// PostgresOptions are the parameters of StartPostgres.
type PostgresOptions struct {
	// DataDir is the directory of the database cluster.
	DataDir string
	// FetchDir is the directory for a downloaded PostgreSQL.
	FetchDir string
	// Repository is the base URL of the Maven repository to download from. If it is empty, the default repository is used.
	Repository string
	Log        *slog.Logger
	// Progress receives a short text at each slow step.
	Progress func(string)
}

// StartPostgres starts a private PostgreSQL server. It uses an installed or a previously downloaded PostgreSQL that matches
// the version of the data. If there is none, StartPostgres downloads PostgreSQL. The server flushes each commit to disk. It
// ends with this process, even after kill -9.
func StartPostgres(ctx context.Context, o PostgresOptions) (*pgserver.Server, error) {
	options := pgserver.Options{
		DataDir: o.DataDir, MoreBinDir: filepath.Join(o.FetchDir, "bin"), Log: o.Log, Progress: o.Progress,
	}
	server, err := pgserver.Start(ctx, options)
	if !errors.Is(err, pgserver.ErrNotInstalled) {
		return server, err
	}
	o.Progress("Downloading PostgreSQL, because none is installed")
	if err := fetchPostgres(ctx, o.FetchDir, o.Repository); err != nil {
		return nil, fmt.Errorf("no PostgreSQL is installed, and the download failed (%w): install PostgreSQL %d or "+
			"later, or connect to the network", err, pgserver.MinVersion)
	}
	return pgserver.Start(ctx, options)
}

// fetchPostgres downloads the programs of PostgreSQL into dir, completely or not at all.
//
// The library downloads only as the first step of a start. Therefore fetchPostgres configures a runtime directory that
// cannot be created: the start fails right after the download and runs no program.
func fetchPostgres(ctx context.Context, dir, repository string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o711); err != nil {
		return err
	}
	draft := dir + ".new"
	if err := os.RemoveAll(draft); err != nil { // files of an interrupted download
		return err
	}
	program := filepath.Join(draft, "bin", "postgres")
	config := embeddedpostgres.DefaultConfig().
		CachePath(filepath.Join(draft, "download")).
		BinariesPath(draft).
		Port(0). // the library requires a free port
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
		// The download cannot be interrupted. Its goroutine ends with the process. The next download removes its files.
		return ctx.Err()
	}
	// StartPostgres found no usable PostgreSQL in dir, so an earlier download can be removed.
	if err := errors.Join(os.RemoveAll(filepath.Join(draft, "download")), readable(draft), os.RemoveAll(dir)); err != nil {
		return err
	}
	return os.Rename(draft, dir)
}

// readable makes all files below dir readable, and all programs executable, for every user. PostgreSQL may run as another
// user.
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
		return os.Chmod(path, mode) //nolint:gosec // in a directory of this program
	})
}
