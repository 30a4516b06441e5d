package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	atlas "ariga.io/atlas/sql/migrate"

	"github.com/casino-loyalty/loyalty/atlas/plan"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/pgserver"
)

// migrateDiff compares the migrations with the schema and writes the missing migrations into the folder atlas. It plans them
// on a temporary PostgreSQL server. If drop is true, the migrations remove columns that are no longer in the schema.
func migrateDiff(ctx context.Context, c call, drop bool) (err error) {
	if len(c.args) != 1 {
		return errUsage
	}
	if err := checkRoot(); err != nil {
		return err
	}
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
	files, err := plan.Write(ctx, server.URL("plan"), migrations, c.args[0], migrate.DiffOptions{Drop: drop})
	for _, file := range files {
		fmt.Fprintln(c.stdout, "wrote", file)
	}
	if err == nil && len(files) == 0 {
		fmt.Fprintln(c.stdout, "no changes: the migrations match the schema")
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

// migrateHash rewrites every atlas.sum. Run it after you write or change a migration by hand.
func migrateHash() error {
	if err := checkRoot(); err != nil {
		return err
	}
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
