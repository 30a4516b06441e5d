// Package promotions is the domain of the promotions service. It manages promotions, assigns them to players, and pays each
// claim exactly once. It does not depend on a transport, a database or a broker. The packages under internal contain these
// dependencies.
package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/clock"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// Store persists promotions, assignments and players. Each change is atomic. Methods are safe for concurrent use. Methods
// return NOT_FOUND, PROMOTION_EXISTS, PROMOTION_CODE_EXISTS or DEPENDENCY_UNAVAILABLE of package apperr, and the errors that
// they document.
type Store interface {
	CatalogueStore
	AssignmentStore
	ClaimStore
	PlayerStore
	RefusalStore
	StatsStore
	JobStore
}

// CatalogueStore persists promotions.
type CatalogueStore interface {
	// CreatePromotion stores a new promotion.
	CreatePromotion(ctx context.Context, p Promotion) error
	// UpdatePromotion locks a promotion and its claims, sets its State at the current time, applies change and stores the
	// result. The parameter used of change is what the claims add up to. UpdatePromotion calls now and change after it has the
	// locks, so that later changes have later times, and so that no claim is reserved that the change forbids. If change
	// returns an error, UpdatePromotion stores nothing and returns the error. It may call both again after a conflict.
	UpdatePromotion(
		ctx context.Context, id uuid.UUID, now func() time.Time, change func(p *Promotion, used ClaimTotals) error,
	) (Promotion, error)
	// Promotion returns a promotion.
	Promotion(ctx context.Context, id uuid.UUID) (Promotion, error)
	// Promotions lists promotions, newest first.
	Promotions(ctx context.Context, f PromotionFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[Promotion], error)
}

// AssignmentStore persists assignments.
type AssignmentStore interface {
	// Assignments lists a player's assignments with their promotions, newest first.
	Assignments(
		ctx context.Context, player uuid.UUID, f AssignmentFilter, p keyset.PageRequest[uuid.UUID],
	) (keyset.Page[Assignment], error)
	// Assign assigns a.Promotion to the known, active players in a.Players whom no restriction refuses. It appends a
	// notification for each new assignment to the outbox, unless a restriction mutes the player. It records a refusal for each
	// restricted player. If check returns an error, Assign stores nothing and returns the error. It may call check again after
	// a conflict.
	Assign(ctx context.Context, a AssignParams, check func(Promotion) error) ([]AssignResult, error)
	// Revoke revokes the unclaimed assignments of a promotion to players, and appends a notification for each of them to the
	// outbox, unless a restriction mutes the player. It skips assignments that are reserved for a claim, and returns their
	// number as beingPaid; no further claim shares such a reservation. It returns NOT_FOUND if there is no such promotion.
	Revoke(ctx context.Context, r RevokeParams) (results []RevokeResult, beingPaid int, err error)
	// Redeem calls [Redeeming.Decide] with what is stored. If Decide asks for it, Redeem assigns the promotion and appends a
	// notification to the outbox. It returns the error of Decide.
	Redeem(ctx context.Context, r RedeemParams) (Redeemed, error)
	// HandleDeadlines handles up to limit deadlines of assignments that are due at now, and returns their number. For a
	// reminder it appends a notification to the outbox, unless a restriction mutes the player. It postpones the expiry of an
	// assignment that is reserved for a claim.
	HandleDeadlines(ctx context.Context, now time.Time, limit int) (int, error)
}

// ClaimStore persists claims, their reservations and the Idempotency-Keys of players. Claims of one promotion are reserved
// one after the other, in groups, so that the limits of the promotion hold exactly.
type ClaimStore interface {
	// ReserveClaim calls [Claiming.Decide] with what is stored, and stores the reservation and the Idempotency-Key if Decide
	// asks for it. It returns the error of Decide, and records a refusal if the error is PLAYER_RESTRICTED. If the assignment
	// is already reserved, the claims share the reservation, whose time limit does not change. The stored Idempotency-Key of a
	// claim that succeeds never expires.
	ReserveClaim(ctx context.Context, p ClaimParams) (Reservation, error)
	// ClaimFacts returns what a claim would find. It returns NOT_FOUND if there is no such promotion or player.
	ClaimFacts(ctx context.Context, p ClaimParams) (ClaimFacts, error)
	// ConfirmClaim records that tx paid the assignment and that the given claim succeeded, and removes the reservation. If
	// claim is empty, no claim has succeeded yet. It returns PROMOTION_ALREADY_CLAIMED if another claim has already succeeded.
	// It deletes the Idempotency-Keys of other claims that shared the reservation. The time of the claim is when it was
	// reserved, or at without a reservation.
	ConfirmClaim(ctx context.Context, a Assignment, tx Transaction, claim string, at time.Time) (Assignment, error)
	// ReleaseClaim ends a claim that has reserved r and will never be paid. The last claim that shares r removes the
	// reservation and the Idempotency-Keys of the assignment, unless a revocation waits for r; then the revocation does. The
	// claim may already be settled.
	ReleaseClaim(ctx context.Context, r Reservation) error
	// SettleUnpaid removes the reservation r and the Idempotency-Keys of the assignment. No claim that shares r will be paid.
	SettleUnpaid(ctx context.Context, r Reservation) error
	// OverdueReservations returns up to limit reservations whose time limit has passed, in a random order.
	OverdueReservations(ctx context.Context, now time.Time, limit int) ([]Reservation, error)
}

// PlayerStore persists players and their status.
type PlayerStore interface {
	// UnknownPlayers returns the players among ids that are not stored.
	UnknownPlayers(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error)
	// RegisterPlayer stores an active player and assigns the available promotions of the given types. A player whose
	// restrictions are already known gets them as with Assign. It processes an event only once.
	RegisterPlayer(ctx context.Context, eventID string, r RegisterParams) error
	// SetPlayerStatus stores whether a player is active if its StatusVersion is greater than the stored version, and the
	// restrictions if its RestrictionsVersion is greater than the stored version. It processes an event only once.
	SetPlayerStatus(ctx context.Context, eventID string, player Player, restrictions []PlayerRestriction) error
}

// StatsStore reads what is counted.
type StatsStore interface {
	// Stats returns the counts of a promotion on each day with changes, and the times between assignments and claims. Both are
	// in ascending order. A zero from means the first day.
	Stats(ctx context.Context, id uuid.UUID, from, to date.Date) ([]DayCounts, []ClaimTimes, error)
}

// LedgerClient requests payments from the ledger.
type LedgerClient interface {
	// Credit pays c exactly once per key and returns the transaction. A repeated call returns the same transaction.
	Credit(ctx context.Context, c Credit) (Transaction, error)
	// Settled returns the player's transaction with the key. After NOT_FOUND, the ledger never adds a credit with this key and
	// a Credit.NotAfter that is not later than notAfter. It fails with DEPENDENCY_UNAVAILABLE while it can still be added.
	Settled(ctx context.Context, player uuid.UUID, key string, notAfter time.Time) (Transaction, error)
}

// Service implements the use cases of promotions. It is safe for concurrent use.
type Service struct {
	store   Store
	ledger  LedgerClient
	now     func() time.Time
	claims  ClaimObserver
	limiter Limiter

	directory Directory
}

// New returns a service. Production code passes time.Now as now.
func New(store Store, ledger LedgerClient, now func() time.Time) *Service {
	return &Service{
		store: store, ledger: ledger, now: clock.Stored(now, time.Microsecond), claims: ignoreClaims{}, limiter: noLimiter{},
		directory: noDirectory{},
	}
}

// ClaimObserver counts claims, for metrics. Its methods must not block, and must be safe for concurrent use.
type ClaimObserver interface {
	// Paid reports a claim that was paid. A claim that repeats a successful one with the same Idempotency-Key is not
	// reported.
	Paid()
	// Refused reports a claim that failed, with its error.
	Refused(code apperr.Code)
}

type ignoreClaims struct{}

func (ignoreClaims) Paid()               {}
func (ignoreClaims) Refused(apperr.Code) {}

// ObserveClaims makes the service report its claims to o. Call it before the first claim.
func (s *Service) ObserveClaims(o ClaimObserver) { s.claims = o }

// noDirectory knows no players.
type noDirectory struct{}

func (noDirectory) FindPlayers(context.Context, []string) (map[string]uuid.UUID, error) {
	return map[string]uuid.UUID{}, nil
}

// UseDirectory makes the service find players by e-mail in d. Without it, no e-mail is known. Call it before the first job.
func (s *Service) UseDirectory(d Directory) { s.directory = d }
