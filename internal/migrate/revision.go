package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// revision is a row of atlas_schema_revisions.
type revision struct {
	version, description, hash string
	statements                 int
	at                         time.Time
}

// operator is the value that the Atlas CLI shows as the version of the program that applied a file.
const operator = "loyalty"

// createRevisions creates the table with the columns and types of the Atlas CLI's ent schema Revision.
func createRevisions(ctx context.Context, db schema.ExecQuerier) error {
	_, err := db.ExecContext(ctx, `create table if not exists public.atlas_schema_revisions (
		version character varying not null primary key,
		description character varying not null,
		type bigint not null default 2,
		applied bigint not null default 0,
		total bigint not null default 0,
		executed_at timestamp with time zone not null,
		execution_time bigint not null,
		error text null,
		error_stmt text null,
		hash character varying not null,
		partial_hashes jsonb null,
		operator_version character varying not null)`)
	if err != nil {
		return fmt.Errorf("create table atlas_schema_revisions: %w", err)
	}
	return nil
}

// readRevisions returns the recorded revisions in the order of their versions, or none if the table does not exist. It
// returns an error if a migration was applied only in part.
func readRevisions(ctx context.Context, db schema.ExecQuerier) (_ []revision, err error) {
	// The CLI stores an identifier in a row whose version begins with a dot.
	rows, err := db.QueryContext(ctx, `select version, description, hash, applied, total, executed_at, coalesce(error, '')
		from public.atlas_schema_revisions where version not like '.%' order by version collate "C"`)
	var missing *pgconn.PgError
	if errors.As(err, &missing) && missing.Code == "42P01" { // undefined_table
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the revisions: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var revisions []revision
	for rows.Next() {
		var r revision
		var applied, total int
		var failure string
		if err := rows.Scan(&r.version, &r.description, &r.hash, &applied, &total, &r.at, &failure); err != nil {
			return nil, err
		}
		if applied != total {
			return nil, fmt.Errorf("migration %s was applied in part (%d of %d statements) by another program: %s",
				r.version, applied, total, failure)
		}
		r.statements = total
		revisions = append(revisions, r)
	}
	return revisions, rows.Err()
}

func writeRevision(ctx context.Context, db interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, r revision) error {
	_, err := db.ExecContext(ctx, `insert into public.atlas_schema_revisions
		(version, description, type, applied, total, executed_at, execution_time, hash, operator_version)
		values ($1, $2, $3, $4, $4, $5, $6, $7, $8)`,
		r.version, r.description, int64(migrate.RevisionTypeExecute), r.statements, r.at, int64(time.Since(r.at)), r.hash,
		operator)
	if err != nil {
		return fmt.Errorf("record the revision: %w", err)
	}
	return nil
}
