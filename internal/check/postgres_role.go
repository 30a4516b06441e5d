package check

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const separateRoles = "run loyalty migrate with an owner role, and the service with another role that only has privileges"

// role checks that the role of the service cannot change the tables, but can use them. An owner can drop the trigger that
// makes the ledger append-only.
func (d Database) role(ctx context.Context, pool *pgxpool.Pool, r *Report) error {
	var name string
	var superuser, ownsSchema bool
	err := pool.QueryRow(ctx, `SELECT current_user, rolsuper,
		coalesce((SELECT pg_has_role(nspowner, 'MEMBER') FROM pg_namespace WHERE nspname = 'public'), false)
		FROM pg_roles WHERE rolname = current_user`).Scan(&name, &superuser, &ownsSchema)
	if err != nil {
		return err
	}
	rows, err := pool.Query(ctx, `SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('public')
		AND relkind IN ('r', 'p') AND pg_has_role(relowner, 'MEMBER') ORDER BY relname`)
	if err != nil {
		return err
	}
	owned, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	switch {
	case superuser:
		r.Fail(fmt.Sprintf("the role %q is a superuser, so it can change the ledger", name), separateRoles)
	case len(owned) > 0:
		r.Fail(fmt.Sprintf("the role %q owns tables and can drop their rules: %s", name, strings.Join(owned, ", ")), separateRoles)
	case ownsSchema:
		r.Fail(fmt.Sprintf("the role %q owns the schema public and can drop its tables", name), separateRoles)
	default:
		r.OKf("the role %q owns no tables and is not a superuser", name)
	}
	return d.privileges(ctx, pool, r)
}

// privileges checks that the role can use every table as the service does.
func (d Database) privileges(ctx context.Context, pool *pgxpool.Pool, r *Report) error {
	rows, err := pool.Query(ctx, `SELECT c.relname || ' (' || string_agg(p, ', ') || ')'
		FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) WITH ORDINALITY AS wanted (p, n)
		WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p')
		AND NOT (c.relname = 'atlas_schema_revisions')
		AND NOT (c.relname = $1 AND p IN ('UPDATE', 'DELETE'))
		AND NOT (has_schema_privilege('public', 'USAGE') AND has_table_privilege(c.oid, p))
		GROUP BY c.relname ORDER BY c.relname`, d.Ledger)
	if err != nil {
		return err
	}
	missing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		r.Fail("the role lacks privileges: "+strings.Join(missing, ", "),
			"grant them as the owner of the tables; see the runbook")
	} else {
		r.OKf("the role has the privileges that the service needs")
	}
	return nil
}

// The bits of pg_trigger.tgtype.
const (
	triggerRow      = 1
	triggerBefore   = 2
	triggerDelete   = 8
	triggerUpdate   = 16
	triggerTruncate = 32
)

// ledger checks that nobody can change or delete entries of the ledger: the append-only trigger exists and is enabled.
func (d Database) ledger(ctx context.Context, pool *pgxpool.Pool, r *Report) error {
	if d.Ledger == "" {
		return nil
	}
	var refused bool
	var allowed []string
	err := pool.QueryRow(ctx, `SELECT
		EXISTS (SELECT FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid WHERE t.tgrelid = c.oid
			AND f.proname = c.relname || '_append_only' AND t.tgenabled IN ('O', 'A') AND t.tgqual IS NULL
			AND t.tgtype & $2 = $3),
		ARRAY(SELECT p FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) p WHERE has_table_privilege(c.oid, p))
		FROM pg_class c WHERE c.relnamespace = to_regnamespace('public') AND c.relname = $1`, d.Ledger,
		triggerRow|triggerBefore|triggerDelete|triggerUpdate|triggerTruncate,
		triggerBefore|triggerDelete|triggerUpdate|triggerTruncate).Scan(&refused, &allowed)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // the migrations are pending
		return nil
	case err != nil:
		return err
	case refused:
		r.OKf("UPDATE, DELETE and TRUNCATE of %s are refused", d.Ledger)
	case len(allowed) > 0:
		r.Fail(fmt.Sprintf("%s of %s are possible, because the append-only trigger is missing or disabled",
			strings.Join(allowed, ", "), d.Ledger),
			"find out who removed it, run loyalty verify, and create the trigger again as in the migrations")
	default:
		r.Warn("the append-only trigger of "+d.Ledger+" is missing or disabled",
			"create it again as in the migrations; the role itself has no privilege to change entries")
	}
	return nil
}
