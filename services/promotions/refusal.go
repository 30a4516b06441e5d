package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// MaxRefusals is the maximum number of refusals of an action that are recorded for a player and a promotion on one day, in
// UTC. Later refusals on the day add nothing, so a client that repeats a refused request does not fill the table.
const MaxRefusals = 1000

// RefusalStore persists refusals. They are never changed or deleted.
type RefusalStore interface {
	// RecordRefusal records a refusal, unless the day has already MaxRefusals of them.
	RecordRefusal(ctx context.Context, r Refusal) error
	// Refusals lists the refusals of a player, newest first.
	Refusals(ctx context.Context, player uuid.UUID, p keyset.PageRequest[uuid.UUID]) (keyset.Page[Refusal], error)
}

// recordTimeout limits the recording of a refusal by the ledger.
const recordTimeout = 5 * time.Second

// recordRefused records that the ledger has refused a claim because of a restriction. It also does so if the client has
// given up.
func (s *Service) recordRefused(ctx context.Context, a Assignment) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	return s.store.RecordRefusal(ctx, Refusal{
		UserID: a.UserID, PromotionID: a.PromotionID, Action: RefusalActionClaim, CreatedAt: s.now(),
	})
}
