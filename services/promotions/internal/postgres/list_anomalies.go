package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Anomalies lists anomalies by descending id. Ids are UUIDv7, so the newest anomaly comes first. Each combination of filters
// has an index. The count ends above keyset.MaxExactTotal; a total above it is the number of rows that were counted.
func (s *Store) Anomalies(ctx context.Context, f domain.AnomalyFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[domain.Anomaly], error) {
	where, args := anomalyFilter(f)
	var total int
	var items []domain.Anomaly
	batch := &pgx.Batch{}
	batch.Queue(postgres.CountSQL("anomalies", where), args...).QueryRow(func(row pgx.Row) error {
		return row.Scan(&total)
	})
	if p.Before != uuid.Nil {
		args = append(args, p.Before)
		where += fmt.Sprintf(" AND id < $%d", len(args))
	}
	batch.Queue(fmt.Sprintf("SELECT %s FROM anomalies WHERE %s ORDER BY id DESC LIMIT %d", anomalyColumns, where, p.Size+1),
		args...).Query(func(rows pgx.Rows) (err error) {
		items, err = pgx.CollectRows(rows, scanAnomaly)
		return err
	})
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return keyset.Page[domain.Anomaly]{}, toAppError(err)
	}
	page := keyset.NewPage(items, p.Size, total)
	page.TotalIsEstimate = total > keyset.MaxExactTotal
	return page, nil
}

// anomalyFilter returns the filter as an SQL condition over anomalies, and its arguments.
func anomalyFilter(f domain.AnomalyFilter) (string, []any) {
	where, args := []string{"true"}, []any{}
	if f.Seen != nil {
		args = append(args, *f.Seen)
		where = append(where, fmt.Sprintf("seen = $%d", len(args)))
	}
	if f.Rule != "" {
		args = append(args, string(f.Rule))
		where = append(where, fmt.Sprintf("rule = $%d", len(args)))
	}
	return strings.Join(where, " AND "), args
}
