package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// record adds an entry about the act in ctx to the audit trail, in the caller's transaction. It does nothing if the call is
// not audited.
func record(ctx context.Context, tx postgres.Execer, c audit.Change, failure error) error {
	act := audit.From(ctx)
	if act == nil {
		return nil
	}
	e, err := act.Entry(time.Now().UTC().Truncate(time.Microsecond), c, failure)
	if err != nil {
		return err
	}
	return addAuditEntry(ctx, tx, users.NewAuditEntry(e))
}

func addAuditEntry(ctx context.Context, tx postgres.Execer, e users.AuditEntry) error {
	_, err := tx.Exec(ctx, "INSERT INTO audit ("+auditEntryColumns+") VALUES ("+columns.Placeholders(auditEntryColumns, 1)+
		") ON CONFLICT (id) DO NOTHING", auditEntryValues(e)...)
	return err
}

// Record adds an entry about the act in ctx, in a transaction of its own.
func (s *Store) Record(ctx context.Context, c audit.Change, failure error) error {
	return toAppError(record(ctx, s.pool, c, failure))
}

// AddAuditEntry adds an entry, unless the trail has it.
func (s *Store) AddAuditEntry(ctx context.Context, e users.AuditEntry) error {
	return toAppError(addAuditEntry(ctx, s.pool, e))
}

// AuditEntries lists entries by descending id. Ids are UUIDv7, so the newest entry comes first. Each single filter has an
// index, and a period is a range of ids. The count ends above keyset.MaxExactTotal; a total above it is the number of rows
// that were counted.
func (s *Store) AuditEntries(
	ctx context.Context, f users.AuditFilter, p keyset.PageRequest[uuid.UUID],
) (keyset.Page[users.AuditEntry], error) {
	where, args := auditFilter(f)
	var total int
	var items []users.AuditEntry
	batch := &pgx.Batch{}
	batch.Queue(postgres.CountSQL("audit", where), args...).QueryRow(func(row pgx.Row) error {
		return row.Scan(&total)
	})
	if p.Before != uuid.Nil {
		args = append(args, p.Before)
		where += fmt.Sprintf(" AND id < $%d", len(args))
	}
	batch.Queue(fmt.Sprintf("SELECT %s FROM audit WHERE %s ORDER BY id DESC LIMIT %d", auditEntryColumns, where, p.Size+1),
		args...).Query(func(rows pgx.Rows) (err error) {
		items, err = pgx.CollectRows(rows, scanAuditEntry)
		return err
	})
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return keyset.Page[users.AuditEntry]{}, toAppError(err)
	}
	page := keyset.NewPage(items, p.Size, total)
	page.TotalIsEstimate = total > keyset.MaxExactTotal
	return page, nil
}

// idSlack is the maximum difference between the time of an entry and the time in its id.
const idSlack = time.Second

// auditFilter returns the filter as an SQL condition over the table audit, and its arguments.
func auditFilter(f users.AuditFilter) (string, []any) {
	where, args := []string{"true"}, []any{}
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if f.Service != "" {
		add("service = $%d", f.Service)
	}
	if f.Actor != uuid.Nil {
		add("actor = $%d", f.Actor)
	}
	if f.Target != uuid.Nil {
		add("target = $%d", f.Target)
	}
	if f.Action != "" {
		add("action = $%d", string(f.Action))
	}
	if !f.From.IsZero() {
		add("id >= $%d", firstID(f.From.Add(-idSlack)))
		add("at >= $%d", f.From)
	}
	if !f.To.IsZero() {
		add("id < $%d", firstID(f.To.Add(2*idSlack)))
		add("at <= $%d", f.To)
	}
	return strings.Join(where, " AND "), args
}

// firstID returns the smallest UUIDv7 of a time. For a time that UUIDv7 cannot express, it is the smallest or the greatest
// UUID.
func firstID(t time.Time) (id uuid.UUID) {
	ms := t.UnixMilli()
	switch {
	case ms < 0:
		return uuid.Nil
	case ms >= 1<<48:
		return uuid.Max
	}
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	return id
}
