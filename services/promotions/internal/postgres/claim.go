package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Assignment reads an assignment and its promotion in one round trip.
func (s *Store) Assignment(ctx context.Context, player, promotion uuid.UUID) (domain.Assignment, error) {
	var a domain.Assignment
	var p domain.Promotion
	batch := &pgx.Batch{}
	batch.Queue("SELECT "+assignmentColumns+" FROM player_promotions WHERE user_id = $1 AND promotion_id = $2",
		player, promotion).Query(into(&a, scanAssignment))
	batch.Queue("SELECT "+promotionColumns+" FROM promotions WHERE id = $1", promotion).Query(into(&p, scanPromotion))
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return domain.Assignment{}, fail(err)
	}
	a.Promotion = &p
	return a, nil
}

func into[T any](dst *T, scan pgx.RowToFunc[T]) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*dst, err = pgx.CollectExactlyOneRow(rows, scan)
		return err
	}
}

// ClaimedUnder reads which promotion the player claimed under key.
func (s *Store) ClaimedUnder(ctx context.Context, player uuid.UUID, key string) (uuid.UUID, error) {
	var id uuid.UUID
	err := s.pool.QueryRow(ctx,
		"SELECT promotion_id FROM player_promotions WHERE user_id = $1 AND claim_key = $2", player, key).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	return id, fail(err)
}

// MarkClaimed gives the assignment to the first claim that asks: claim_key is NULL until a claim was answered, also where
// the ledger's event came before the claim's own mark.
func (s *Store) MarkClaimed(ctx context.Context, id uuid.UUID, tx domain.Transaction, key string, at time.Time) (domain.Assignment, error) {
	rows, err := s.pool.Query(ctx, `
		UPDATE player_promotions
		SET claimed = true, claimed_at = COALESCE(claimed_at, $4), transaction_id = $2, claim_key = $3
		WHERE id = $1 AND (claim_key IS NULL OR claim_key = $3) AND (transaction_id IS NULL OR transaction_id = $2)
		RETURNING `+assignmentColumns, id, tx.ID, key, at)
	if err != nil {
		return domain.Assignment{}, fail(err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAssignment)
	if !errors.Is(err, pgx.ErrNoRows) {
		return a, fail(err)
	}
	if a, err = s.assignment(ctx, id); err != nil {
		return domain.Assignment{}, err
	}
	if a.TransactionID != tx.ID {
		return domain.Assignment{}, fmt.Errorf("assignment %s was paid by %s, and by %s", id, a.TransactionID, tx.ID)
	}
	return domain.Assignment{}, domain.AlreadyClaimed(a)
}

func (s *Store) assignment(ctx context.Context, id uuid.UUID) (domain.Assignment, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+assignmentColumns+" FROM player_promotions WHERE id = $1", id)
	if err != nil {
		return domain.Assignment{}, fail(err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAssignment)
	return a, fail(err)
}
