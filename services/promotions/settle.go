package promotions

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// settleBatch is the maximum number of reservations that SettleClaims reads at once, and settleAtOnce the number that it
// settles at the same time.
const (
	settleBatch  = 256
	settleAtOnce = 16
)

// SettleClaims settles the reservations of claims that did not end, for example because their process died. The ledger
// decides: if it has paid the claim, the assignment is marked as claimed, otherwise the reservation is released. Every
// replica calls it every few seconds. It returns an error if the ledger cannot be reached; it is then repeated.
func (s *Service) SettleClaims(ctx context.Context) error {
	for {
		overdue, err := s.store.OverdueReservations(ctx, s.now(), settleBatch)
		if err != nil {
			return err
		}
		if err := s.settleAll(ctx, overdue); err != nil || len(overdue) < settleBatch {
			return err
		}
	}
}

func (s *Service) settleAll(ctx context.Context, overdue []Reservation) error {
	errs := make([]error, len(overdue))
	var g errgroup.Group
	g.SetLimit(settleAtOnce)
	for i, r := range overdue {
		g.Go(func() error {
			errs[i] = s.settle(ctx, r)
			return nil
		})
	}
	_ = g.Wait() // the functions return nil
	return errors.Join(errs...)
}

func (s *Service) settle(ctx context.Context, r Reservation) error {
	a := r.Assignment
	tx, err := s.ledger.Settled(ctx, a.UserID, a.ID.String(), r.NotAfter)
	switch {
	case apperr.CodeOf(err) == apperr.NotFound:
		return s.store.SettleUnpaid(ctx, r)
	case err != nil:
		return err
	case tx.UserID != a.UserID || tx.Amount != a.Amount || tx.Type != TransactionTypeCredit:
		mismatch := apperr.New(apperr.IdempotencyMismatch, "transaction %s of %s to %s does not pay assignment %s of %s to %s",
			tx.ID, tx.Amount, tx.UserID, a.ID, a.Amount, a.UserID)
		return errors.Join(mismatch, s.store.SettleUnpaid(ctx, r)) // the ledger can never pay the assignment
	}
	_, err = s.store.ConfirmClaim(ctx, a, tx, "", s.now())
	return err
}
