// Command migrate writes migrations for a changed schema, and the checksums of migrations that were written by hand. Run it
// with make migrate-diff and make migrate-hash. It is not part of the program loyalty: the planner of Atlas uses
// text/template, with which the linker keeps all exported methods, a third of the program.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	atlas "ariga.io/atlas/sql/migrate"

	"github.com/casino-loyalty/loyalty/atlas/plan"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/pgserver"
)

var errUsage = errors.New("usage: migrate diff [--drop] NAME | migrate hash")

func main() {
	if err := run(context.Background(), os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "migrate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	if err := checkRoot(); err != nil {
		return err
	}
	flags := flag.NewFlagSet("migrate", flag.ContinueOnError)
	drop := flags.Bool("drop", false,
		"with diff: also remove columns that are no longer in the schema; the previous release must not use them")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch {
	case args[0] == "diff" && flags.NArg() == 1:
		return diff(ctx, w, flags.Arg(0), *drop)
	case args[0] == "hash" && flags.NArg() == 0 && !*drop:
		return hash()
	}
	return errUsage
}

// diff compares the migrations with the schema and writes the missing migrations into the folder atlas. It plans them
// on a temporary PostgreSQL server. If drop is true, the migrations remove columns that are no longer in the schema.
func diff(ctx context.Context, w io.Writer, name string, drop bool) (err error) {
	installed, err := pgserver.Find()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "loyalty-migrate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := os.Chmod(folder, 0o755); err != nil {
		return err
	}
	server, err := pgserver.Start(ctx, pgserver.Options{
		BinDir: installed.BinDir, DataDir: folder + "/data", Log: slog.New(slog.DiscardHandler),
		Settings: map[string]string{"fsync": "off"},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	if err := server.CreateDatabase(ctx, "plan"); err != nil {
		return err
	}
	files, err := plan.Write(ctx, server.URL("plan"), migrations, name, migrate.DiffOptions{Drop: drop})
	for _, file := range files {
		fmt.Fprintln(w, "wrote", file)
	}
	if err == nil && len(files) == 0 {
		fmt.Fprintln(w, "no changes: the migrations match the schema")
	}
	return err
}

// migrations is the path of the folder with the migrations of all databases.
const migrations = "atlas"

// checkRoot returns an error unless the working directory is the root of the repository.
func checkRoot() error {
	if _, err := os.Stat(filepath.Join(migrations, "atlas.hcl")); err != nil {
		return errors.New("atlas/atlas.hcl not found: run this command at the root of the repository")
	}
	return nil
}

// hash rewrites every atlas.sum.
func hash() error {
	for _, d := range plan.Databases() {
		folder, err := atlas.NewLocalDir(filepath.Join(migrations, d.Name))
		if err != nil {
			return err
		}
		sum, err := folder.Checksum()
		if err != nil {
			return err
		}
		if err := atlas.WriteSumFile(folder, sum); err != nil {
			return err
		}
	}
	return nil
}
