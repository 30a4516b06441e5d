package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// confirmation is a call of ConfirmClaim.
type confirmation struct {
	assignment, promotion, transaction uuid.UUID
	claim                              string
	at                                 time.Time
}

// ConfirmClaim confirms a claim together with concurrent ones; see groups. Only the first claim of an assignment succeeds,
// because later claims find another claim_id. If the claim is empty, claim_id stays NULL, so that the player's next claim
// succeeds. The answer of the ledger takes precedence over the transaction that RecordEntry has set.
func (s *Store) ConfirmClaim(
	ctx context.Context, a domain.Assignment, tx domain.Transaction, claim string, at time.Time,
) (domain.Assignment, error) {
	stored, err := s.paid.do(ctx, confirmation{
		assignment: a.ID, promotion: a.PromotionID, transaction: tx.ID, claim: claim, at: at,
	})
	switch {
	case err != nil:
		return domain.Assignment{}, toAppError(err)
	case stored.ID != a.ID:
		return domain.Assignment{}, apperr.New(apperr.NotFound, "promotion not found")
	case claim != "" && stored.ClaimID != claim:
		return domain.Assignment{}, domain.AlreadyClaimed(stored)
	}
	return stored, nil
}

// confirmSQL confirms the claims of a group. If a group has several claims of an assignment, the first one succeeds. It
// deletes the keys of the other claims that shared the reservation: only the key of a paid claim is needed. No such claim
// can store its key later. If no claim has succeeded yet, the keys stay for the claim that does.
const confirmSQL = `
	WITH confirmed AS (
	UPDATE player_promotions a
	SET claimed = true, claimed_at = COALESCE(a.claimed_at, e.reserved_at, e.at), transaction_id = e.transaction_id,
	  claim_id = e.claim_id
	FROM (
	  SELECT DISTINCT ON (e.id) e.*, r.reserved_at, r.started IS DISTINCT FROM 1 AS shared
	  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) WITH ORDINALITY
	    AS e (id, transaction_id, claim_id, at, n)
	  LEFT JOIN claim_reservations r ON r.id = e.id
	  ORDER BY e.id, e.claim_id IS NULL, e.n
	) e
	WHERE a.id = e.id AND a.claim_id IS NULL AND (e.claim_id IS NOT NULL OR NOT a.claimed)
	RETURNING a.user_id, a.promotion_id, a.claim_id, e.shared
	)
	DELETE FROM claim_keys k USING confirmed c
	WHERE c.shared AND k.user_id = c.user_id AND k.promotion_id = c.promotion_id AND 'key:' || k.key <> c.claim_id`

// commitClaims confirms the claims of a group in one transaction and one round trip.
func (s *Store) commitClaims(ctx context.Context, group []*groupCall[confirmation, domain.Assignment]) error {
	var assignments, promotions, transactions []uuid.UUID
	var claims []pgtype.Text
	var at []time.Time
	for _, c := range group {
		p := c.params
		assignments, promotions = append(assignments, p.assignment), append(promotions, p.promotion)
		transactions, at = append(transactions, p.transaction), append(at, p.at)
		claims = append(claims, pgtype.Text{String: p.claim, Valid: p.claim != ""})
	}
	stored := map[uuid.UUID]domain.Assignment{}
	err := s.withClaims(ctx, promotions, func(batch *pgx.Batch) {
		batch.Queue(confirmSQL, assignments, transactions, claims, at)
		// A replica of the previous release may have marked an assignment before it was reserved.
		batch.Queue(`DELETE FROM claim_reservations r USING player_promotions a
			WHERE r.id = ANY ($1) AND a.id = r.id AND a.claimed`, assignments)
		batch.Queue("SELECT "+assignmentColumns+" FROM player_promotions WHERE id = ANY ($1)", assignments).
			Query(func(rows pgx.Rows) error {
				found, err := pgx.CollectRows(rows, scanAssignment)
				for _, a := range found {
					stored[a.ID] = a
				}
				return err
			})
	})
	if err != nil {
		return err
	}
	for _, c := range group {
		c.result = stored[c.params.assignment]
	}
	return nil
}

// withClaims runs the statements that queue adds, in one transaction and one round trip, under the locks of the claims of
// promotions. It calls queue again after a conflict.
func (s *Store) withClaims(ctx context.Context, promotions []uuid.UUID, queue func(*pgx.Batch)) error {
	return postgres.Retry(ctx, func() error {
		batch := &pgx.Batch{}
		queueLocks(batch, promotions)
		queue(batch)
		batch.Queue("COMMIT")
		return s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
			return conn.SendBatch(ctx, batch).Close() // after an error, the pool closes the connection, which rolls back
		})
	})
}
