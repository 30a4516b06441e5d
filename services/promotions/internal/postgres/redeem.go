package postgres

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Redeem decides about a code and assigns its promotion. It locks the promotion and the player as Assign does. For an
// unknown code it executes the same statements, so that the time of the answer does not reveal which codes exist.
func (s *Store) Redeem(ctx context.Context, r domain.RedeemParams) (domain.Redeemed, error) {
	var redeemed domain.Redeemed
	var refused error
	err := s.inLockingTx(ctx, func(tx pgx.Tx) error {
		found, to, err := lockToRedeem(ctx, tx, r)
		if err != nil {
			return err
		}
		var add bool
		add, refused = found.Decide()
		switch {
		case apperr.CodeOf(refused) == apperr.PlayerRestricted:
			return refusePlayers(ctx, tx, domain.RefusalActionRedeem, found.Promotion.ID, []uuid.UUID{r.Player}, r.At)
		case refused != nil:
			return nil //nolint:nilerr // nothing went wrong; Redeem returns the refusal
		case add:
			redeemed, err = assignRedeemed(ctx, tx, *found.Promotion, to, r)
			return err
		default:
			redeemed = existing(*found.Assignment, r)
			return nil
		}
	})
	if err != nil {
		return domain.Redeemed{}, toAppError(err)
	}
	s.wake()
	return redeemed, refused
}

// assignRedeemed assigns p. If a concurrent call has assigned it, assignRedeemed returns that assignment.
func assignRedeemed(
	ctx context.Context, tx pgx.Tx, p domain.Promotion, to addressees, r domain.RedeemParams,
) (domain.Redeemed, error) {
	assigned, err := assign(ctx, tx, p, to, origin{source: domain.AssignmentSourceCode, at: r.At})
	if err != nil {
		return domain.Redeemed{}, err
	}
	a, err := assignmentOf(ctx, tx, r.Player, p.ID)
	if err != nil || a == nil {
		return domain.Redeemed{}, err
	}
	redeemed := existing(*a, r)
	if len(assigned) == 0 {
		return redeemed, nil
	}
	redeemed.Created = true
	return redeemed, idempotency.Save(ctx, tx, wire.FromAssignment(redeemed.Assignment))
}

func existing(a domain.Assignment, r domain.RedeemParams) domain.Redeemed {
	a.State = a.StateAt(r.At)
	return domain.Redeemed{Assignment: a}
}

// codedSQL selects the promotion with the code $1. The index promotions_code has these promotions.
const codedSQL = " FROM promotions WHERE code = $1 AND (is_active OR inactive_as <> 'ARCHIVED')"

// lockToRedeem locks and reads what the decision about a code needs.
func lockToRedeem(ctx context.Context, tx pgx.Tx, r domain.RedeemParams) (domain.Redeeming, addressees, error) {
	found, to := domain.Redeeming{RedeemParams: r}, addressees{}
	id, err := oneOrNone(ctx, tx, pgx.RowTo[uuid.UUID], "SELECT id"+codedSQL, r.Code)
	if err != nil {
		return found, to, err
	}
	if id == nil {
		id = &uuid.Nil
	}
	if _, err := tx.Exec(ctx, lockToAssign, *id); err != nil {
		return found, to, err
	}
	// Another transaction may have changed the promotion while this one waited for the lock.
	found.Promotion, err = oneOrNone(ctx, tx, scanUsed, "SELECT "+usedColumns+codedSQL+" AND id = $2 FOR SHARE", r.Code, *id)
	if err != nil {
		return found, to, err
	}
	if to, err = lockAddressees(ctx, tx, []uuid.UUID{r.Player}, r.At); err != nil {
		return found, to, err
	}
	outcome := to.outcomes[r.Player]
	found.Known = outcome != domain.AssignOutcomeUnknownPlayer
	found.Active = found.Known && outcome != domain.AssignOutcomeInactivePlayer
	found.Restricted = outcome == domain.AssignOutcomeRestrictedPlayer
	found.Assignment, err = assignmentOf(ctx, tx, r.Player, *id)
	return found, to, err
}

// assignmentOf returns the player's assignment of a promotion, or nil if there is none.
func assignmentOf(ctx context.Context, tx pgx.Tx, player, promotion uuid.UUID) (*domain.Assignment, error) {
	return oneOrNone(ctx, tx, scanAssignment,
		"SELECT "+assignmentColumns+" FROM player_promotions WHERE user_id = $1 AND promotion_id = $2", player, promotion)
}

// oneOrNone returns the only row of a query, or nil if the query returns no row.
func oneOrNone[T any](ctx context.Context, tx pgx.Tx, scan pgx.RowToFunc[T], sql string, args ...any) (*T, error) {
	row, err := queryOne(ctx, tx, scan, sql, args...)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // no row is not an error
	}
	return &row, err
}
