package migrate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"ariga.io/atlas/sql/migrate"
	atlaspostgres "ariga.io/atlas/sql/postgres"
	atlas "ariga.io/atlas/sql/schema"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// DiffOptions are the options of Diff.
type DiffOptions struct {
	// Drop drops the columns that are no longer in the schema. Without Drop, these columns stay for replicas of the previous
	// release, and become nullable. The next release can drop them.
	Drop bool
}

// Diff plans a migration that changes the schema created by the files in path to the schema of tables. It writes the
// migration and atlas.sum to path and returns the name of the new file. The name is empty if nothing changes. devURL is the
// URL of any database on a server where Diff may create a temporary database.
//
// The migration applies to tables with rows, and replicas of the previous release keep working after it. Diff returns an
// error for a change that cannot meet both conditions. The exception is the removal of a default that is not the zero
// value of its type: inserts of the previous release fail if they rely on this default.
//
// Diff does not change objects that ent does not support and that are written by hand: triggers, functions, extensions,
// grants, EXCLUDE constraints, and tables that are not in the ent schema.
func Diff(ctx context.Context, devURL, path, name string, tables []*schema.Table, options DiffOptions) (string, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return "", err
	}
	folder, err := migrate.NewLocalDir(path)
	if err != nil {
		return "", err
	}
	before, err := folder.Checksum()
	if err != nil {
		return "", err
	}
	err = withScratch(ctx, devURL, func(config *pgx.ConnConfig) error {
		db := stdlib.OpenDB(*config)
		m, err := schema.NewMigrate(entsql.OpenDB(dialect.Postgres, db),
			schema.WithDir(folder), schema.WithMigrationMode(schema.ModeReplay), schema.WithFormatter(migrate.DefaultFormatter),
			schema.WithIndent("  "), schema.WithDropColumn(true), schema.WithDropIndex(true),
			schema.WithDiffOptions(atlas.DiffNormalized()), // compares checks with the same name by their expressions
			schema.WithDiffHook(compatible(ctx, db, options.Drop), keepExclusions))
		if err == nil {
			err = m.NamedDiff(ctx, name, tables...)
		}
		return errors.Join(err, db.Close())
	})
	if err != nil {
		return "", fmt.Errorf("plan migration %s: %w", name, err)
	}
	after, err := folder.Files()
	if err != nil {
		return "", err
	}
	for _, f := range after {
		if _, err := before.SumByName(f.Name()); err != nil {
			return f.Name(), nil //nolint:nilerr // an error means that the file is new
		}
	}
	return "", nil
}

// keepExclusions keeps the indexes of EXCLUDE constraints. Without it, ent would drop them, because its schema cannot
// contain them.
func keepExclusions(next schema.Differ) schema.Differ {
	return schema.DiffFunc(func(current, desired *atlas.Schema) ([]atlas.Change, error) {
		changes, err := next.Diff(current, desired)
		if err != nil {
			return nil, err
		}
		kept := make([]atlas.Change, 0, len(changes))
		for _, change := range changes {
			table, ok := change.(*atlas.ModifyTable)
			if !ok {
				kept = append(kept, change)
				continue
			}
			parts := make([]atlas.Change, 0, len(table.Changes))
			for _, part := range table.Changes {
				if drop, ok := part.(*atlas.DropIndex); !ok || !excludes(drop.I) {
					parts = append(parts, part)
				}
			}
			if len(parts) > 0 {
				table.Changes = parts
				kept = append(kept, table)
			}
		}
		return kept, nil
	})
}

func excludes(index *atlas.Index) bool {
	for _, attr := range index.Attrs {
		if c, ok := attr.(*atlaspostgres.Constraint); ok && strings.EqualFold(c.T, "x") {
			return true
		}
	}
	return false
}

// withScratch creates a temporary database on the server of devURL, calls fn with its configuration, and drops it.
func withScratch(ctx context.Context, devURL string, fn func(*pgx.ConnConfig) error) (err error) {
	config, _, err := postgres.ParseConfig(devURL)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	name := "diff_" + strings.ToLower(rand.Text())
	if _, err := conn.Exec(ctx, "create database "+name); err != nil {
		return err
	}
	scratch := config.Copy()
	scratch.Database = name
	err = fn(scratch)
	_, dropErr := conn.Exec(context.WithoutCancel(ctx), "drop database "+name+" with (force)")
	return errors.Join(err, dropErr)
}
