// Package promotions is the domain of the promotions service: what may be offered to whom and when, and how a claim is
// paid exactly once. It knows no transport, database or broker; the packages under internal join it to them.
package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/clock"
	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// Store keeps promotions, assignments and what is known of players. Every method is one transaction, and every method is
// safe for concurrent use. Errors are the schema's: NOT_FOUND, PROMOTION_EXISTS, DEPENDENCY_UNAVAILABLE.
type Store interface {
	CatalogueStore
	AssignmentStore
	ClaimStore
	PlayerStore
}

// CatalogueStore keeps promotions.
type CatalogueStore interface {
	// CreatePromotion stores a new promotion.
	CreatePromotion(ctx context.Context, p Promotion) error
	// UpdatePromotion changes a promotion while nobody else can.
	UpdatePromotion(ctx context.Context, id uuid.UUID, change func(*Promotion) error) (Promotion, error)
	// Promotion reads one promotion.
	Promotion(ctx context.Context, id uuid.UUID) (Promotion, error)
	// Promotions lists promotions, newest first.
	Promotions(ctx context.Context, f PromotionFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[Promotion], error)
}

// AssignmentStore keeps who may claim what.
type AssignmentStore interface {
	// Assignment reads a player's assignment of a promotion, with the promotion.
	Assignment(ctx context.Context, player, promotion uuid.UUID) (Assignment, error)
	// Assignments lists a player's assignments with their promotions, newest first.
	Assignments(
		ctx context.Context, player uuid.UUID, f AssignmentFilter, p keyset.PageRequest[uuid.UUID],
	) (keyset.Page[Assignment], error)
	// Assign assigns a promotion that passes check to the players of a who are known and active, and notifies them.
	Assign(ctx context.Context, a AssignParams, check func(Promotion) error) ([]AssignResult, error)
}

// ClaimStore keeps what was claimed and paid, and the keys under which players asked.
type ClaimStore interface {
	// ClaimKey reads which promotion a player's idempotency key belongs to; uuid.Nil for none.
	ClaimKey(ctx context.Context, player uuid.UUID, key string) (promotion uuid.UUID, err error)
	// TakeClaimKey makes a player's idempotency key belong to a promotion, for ever, unless it belongs to one already, and
	// returns the one that it belongs to.
	TakeClaimKey(ctx context.Context, player uuid.UUID, key string, promotion uuid.UUID, at time.Time) (uuid.UUID, error)
	// MarkClaimed notes that tx paid the assignment, for the claim of that name. A claim of another name that was answered
	// before is PROMOTION_ALREADY_CLAIMED.
	MarkClaimed(ctx context.Context, assignment uuid.UUID, tx Transaction, name string, at time.Time) (Assignment, error)
	// RepairClaimed notes that tx paid the assignment, where no claim has done so: nobody was answered yet. An assignment
	// that does not exist is passed over; one that was paid by another transaction, or is another player's or of another
	// amount, is IDEMPOTENCY_MISMATCH.
	RepairClaimed(ctx context.Context, assignment uuid.UUID, tx Transaction, at time.Time) error
}

// PlayerStore keeps what is known of players.
type PlayerStore interface {
	// RegisterPlayer notes an active player and assigns what registration brings, once for an event.
	RegisterPlayer(ctx context.Context, eventID string, a RegisterParams) error
	// SetPlayerActive notes whether a player is active since a switch, once for an event. A switch with a number changes
	// something if no higher one is known, one without a number if none is known that is later by UpdatedAt.
	SetPlayerActive(ctx context.Context, eventID string, player Player) error
}

// LedgerClient pays players.
type LedgerClient interface {
	// Credit pays c once for its key and returns the ledger's entry; asked again it returns the same entry.
	Credit(ctx context.Context, c Credit) (Transaction, error)
}

// Service is the use cases of promotions. It is safe for concurrent use.
type Service struct {
	store  Store
	ledger LedgerClient
	now    func() time.Time
}

// New returns a service; now is time.Now but in tests.
func New(store Store, ledger LedgerClient, now func() time.Time) *Service {
	return &Service{store: store, ledger: ledger, now: clock.Stored(now, time.Microsecond)}
}
