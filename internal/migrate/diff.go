package migrate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/postgres"
	atlas "ariga.io/atlas/sql/schema"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Diff plans the migration from what the files in path create to tables, an ent schema, and writes it and atlas.sum
// there. It returns the new file's name, or an empty one where there is nothing to change. devURL names any database on
// a server on which a database may be created for the duration.
//
// What ent cannot say is written by hand in the migrations and is left alone: triggers, functions, extensions, grants
// and EXCLUDE constraints, and tables that ent does not know.
func Diff(ctx context.Context, devURL, path, name string, tables []*schema.Table) (file string, err error) {
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
			schema.WithIndent("  "),
			schema.WithDropColumn(true), schema.WithDropIndex(true), schema.WithDiffHook(keepExclusions))
		if err == nil {
			err = m.NamedDiff(ctx, name, tables...)
		}
		return errors.Join(err, db.Close())
	})
	if err != nil {
		return "", fmt.Errorf("plan the migration %s: %w", name, err)
	}
	after, err := folder.Files()
	if err != nil {
		return "", err
	}
	for _, f := range after {
		if _, err := before.SumByName(f.Name()); err != nil {
			return f.Name(), nil //nolint:nilerr // it was not there before
		}
	}
	return "", nil
}

// keepExclusions drops the plan's removals of the indexes behind EXCLUDE constraints, which an ent schema never has.
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
		if c, ok := attr.(*postgres.Constraint); ok && strings.EqualFold(c.T, "x") {
			return true
		}
	}
	return false
}

// withScratch runs fn on a new database on devURL's server and drops it.
func withScratch(ctx context.Context, devURL string, fn func(*pgx.ConnConfig) error) (err error) {
	config, err := pgx.ParseConfig(devURL)
	if err != nil {
		return errors.New("the connection URL is malformed") // err quotes it
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
