package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/date"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// ClaimFacts reads what a claim would find, in one snapshot and without locks, so that it does not delay claims.
func (s *Store) ClaimFacts(ctx context.Context, p domain.ClaimParams) (domain.ClaimFacts, error) {
	facts := domain.ClaimFacts{Claiming: domain.Claiming{ClaimParams: p}}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
		return readFacts(ctx, tx, &facts)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return facts, apperr.New(apperr.NotFound, "there is no such promotion or player").WithCause(err)
	}
	return facts, toAppError(err)
}

// readFacts returns pgx.ErrNoRows if there is no such player or promotion.
func readFacts(ctx context.Context, tx pgx.Tx, facts *domain.ClaimFacts) error {
	var found claimsFound
	var promotion domain.Promotion
	var assignments []domain.Assignment
	player, id := facts.Player, facts.Promotion
	batch := &pgx.Batch{}
	batch.Queue("SELECT "+refusedSQL("p", "$2")+" FROM players p WHERE id = $1", player, facts.At).
		QueryRow(func(row pgx.Row) error { return row.Scan(&facts.Restricted) })
	batch.Queue("SELECT "+playerRestrictionColumns+" FROM player_restrictions WHERE user_id = $1 ORDER BY kind, by_player",
		player).Query(func(rows pgx.Rows) (err error) {
		facts.Restrictions, err = collectRefusing(rows, facts.At)
		return err
	})
	batch.Queue("SELECT "+promotionColumns+" FROM promotions WHERE id = $1", id).Query(func(rows pgx.Rows) (err error) {
		promotion, err = pgx.CollectExactlyOneRow(rows, scanPromotion)
		return err
	})
	batch.Queue("SELECT "+assignmentColumns+" FROM player_promotions WHERE user_id = $1 AND promotion_id = $2", player, id).
		Query(func(rows pgx.Rows) (err error) {
			assignments, err = pgx.CollectRows(rows, scanAssignment)
			return err
		})
	batch.Queue(`SELECT count(*) > 0 FROM claim_reservations r JOIN player_promotions a ON a.id = r.id
		WHERE a.user_id = $1 AND a.promotion_id = $2`, player, id).
		QueryRow(func(row pgx.Row) error { return row.Scan(&facts.Reserved) })
	batch.Queue(totalsSQL, []uuid.UUID{id}, columns.Date(date.Of(facts.At))).Query(func(rows pgx.Rows) (err error) {
		found.totals, err = collectTotals(rows)
		return err
	})
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	facts.Totals, facts.Unassigned = found.totals[id], &promotion
	if len(assignments) > 0 {
		facts.Assignment = &assignments[0]
		facts.Assignment.Promotion = &promotion
	}
	return nil
}

// collectRefusing reads restrictions and returns those that refuse promotions at a time.
func collectRefusing(rows pgx.Rows, at time.Time) ([]domain.PlayerRestriction, error) {
	all, err := pgx.CollectRows(rows, scanPlayerRestriction)
	var refusing []domain.PlayerRestriction
	for _, r := range all {
		if r.Kind.RefusesPromotions() && (r.Until.IsZero() || at.Before(r.Until)) {
			refusing = append(refusing, r)
		}
	}
	return refusing, err
}
