package check

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// role checks that the role of the service owns nothing, and that its privileges are those that the service needs. An owner
// can drop the trigger that makes the ledger append-only.
func (d Database) role(ctx context.Context, pool *pgxpool.Pool, r *Report) error {
	var name string
	if err := pool.QueryRow(ctx, "SELECT current_user").Scan(&name); err != nil {
		return err
	}
	db := postgres.SQL(pool)
	reasons, err := dbrole.Unsafe(ctx, db, name)
	if err != nil {
		return err
	}
	for _, reason := range reasons {
		r.Fail(fmt.Sprintf("the role %q %s", name, reason),
			"run loyalty migrate with an owner role, and the service with another role that only has privileges; see the runbook")
	}
	if len(reasons) > 0 {
		return nil
	}
	r.OKf("the role %q owns no tables and is not a superuser", name)
	difference, err := dbrole.Role{Name: name, Privileges: d.Privileges}.Compare(ctx, db)
	if err != nil {
		return err
	}
	status, err := migrate.StatusOf(ctx, d.URL, d.Migrations)
	if err != nil {
		status = migrate.Status{} // the check of the migrations reports it
	}
	lacks, exceeds := report(r.Fail), report(r.Fail)
	if d.Preflight && len(status.Pending) > 0 { // the privileges are granted with the migrations
		lacks, exceeds = r.Warn, r.Warn
	}
	if len(status.Newer) > 0 { // the newer release may need more
		exceeds = r.Warn
	}
	action := fmt.Sprintf("run loyalty migrate up %s, with LOYALTY_%s_DATABASE_ROLE=%s", d.Name, strings.ToUpper(d.Name), name)
	if len(difference.Missing) > 0 {
		lacks("the role lacks privileges: "+strings.Join(difference.Missing, "; "), action)
	}
	if len(difference.Excess) > 0 {
		exceeds("the role has privileges that the service does not need: "+strings.Join(difference.Excess, "; "), action)
	}
	if len(difference.Missing)+len(difference.Excess) == 0 {
		r.OKf("the role has the privileges that the service needs, and no more")
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
