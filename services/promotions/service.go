// Package promotions is the domain of the promotions service: which promotions exist, to which players they are assigned,
// and how a claim is paid exactly once. It does not depend on a transport, a database or a broker; the packages under
// internal connect it to them.
package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/clock"
	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// Store persists promotions, assignments and players. Each method is one transaction and is safe for concurrent use.
// Methods return errors of package apperr: NOT_FOUND, PROMOTION_EXISTS or DEPENDENCY_UNAVAILABLE.
type Store interface {
	CatalogueStore
	AssignmentStore
	ClaimStore
	PlayerStore
}

// CatalogueStore persists promotions.
type CatalogueStore interface {
	// CreatePromotion stores a new promotion.
	CreatePromotion(ctx context.Context, p Promotion) error
	// UpdatePromotion locks a promotion, applies change and stores the result. An error of change aborts the update.
	UpdatePromotion(ctx context.Context, id uuid.UUID, change func(*Promotion) error) (Promotion, error)
	// Promotion returns a promotion.
	Promotion(ctx context.Context, id uuid.UUID) (Promotion, error)
	// Promotions lists promotions, newest first.
	Promotions(ctx context.Context, f PromotionFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[Promotion], error)
}

// AssignmentStore persists assignments.
type AssignmentStore interface {
	// Assignment returns a player's assignment of a promotion, with the promotion.
	Assignment(ctx context.Context, player, promotion uuid.UUID) (Assignment, error)
	// Assignments lists a player's assignments with their promotions, newest first.
	Assignments(
		ctx context.Context, player uuid.UUID, f AssignmentFilter, p keyset.PageRequest[uuid.UUID],
	) (keyset.Page[Assignment], error)
	// Assign assigns a promotion to the known, active players of a, and appends a notification for each new assignment to
	// the outbox. An error of check aborts it.
	Assign(ctx context.Context, a AssignParams, check func(Promotion) error) ([]AssignResult, error)
}

// ClaimStore persists claims and the Idempotency-Keys of players.
type ClaimStore interface {
	// ClaimKey returns the promotion that a player's Idempotency-Key is reserved for, or uuid.Nil.
	ClaimKey(ctx context.Context, player uuid.UUID, key string) (promotion uuid.UUID, err error)
	// ReserveClaimKey reserves a player's Idempotency-Key for a promotion, unless it is reserved already. It returns the
	// promotion that the key is reserved for. A reservation never ends.
	ReserveClaimKey(ctx context.Context, player uuid.UUID, key string, promotion uuid.UUID, at time.Time) (uuid.UUID, error)
	// MarkClaimed records that tx paid the assignment and that the given claim succeeded. It returns
	// PROMOTION_ALREADY_CLAIMED if another claim succeeded before.
	MarkClaimed(ctx context.Context, assignment uuid.UUID, tx Transaction, claimID string, at time.Time) (Assignment, error)
	// RepairClaimed records that tx paid the assignment, without a claim that succeeded, unless it is recorded already. It
	// ignores an unknown assignment. It returns IDEMPOTENCY_MISMATCH if tx does not match the assignment: another player,
	// another amount, or the assignment was paid by another transaction.
	RepairClaimed(ctx context.Context, assignment uuid.UUID, tx Transaction, at time.Time) error
}

// PlayerStore persists the players that promotions knows. Each method processes an event once.
type PlayerStore interface {
	// RegisterPlayer stores an active player and assigns the available promotions of the given types.
	RegisterPlayer(ctx context.Context, eventID string, r RegisterParams) error
	// SetPlayerActive stores a player's status if its StatusVersion is greater than the stored one.
	SetPlayerActive(ctx context.Context, eventID string, player Player) error
}

// LedgerClient requests payments from the ledger.
type LedgerClient interface {
	// Credit pays c exactly once for its key and returns the transaction. A repeated call returns the same transaction.
	Credit(ctx context.Context, c Credit) (Transaction, error)
}

// Service implements the use cases of promotions. It is safe for concurrent use.
type Service struct {
	store  Store
	ledger LedgerClient
	now    func() time.Time
}

// New returns a service. Production code passes time.Now as now.
func New(store Store, ledger LedgerClient, now func() time.Time) *Service {
	return &Service{store: store, ledger: ledger, now: clock.Stored(now, time.Microsecond)}
}
