package promotions

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
)

// WrongCodes is the limit of wrong codes per player, on all replicas together.
func WrongCodes() ratelimit.Limit { return ratelimit.Limit{N: 10, Per: 10 * time.Minute} }

// refundTimeout is the timeout for updating the limit after a right code.
const refundTimeout = 5 * time.Second

// Limiter counts wrong codes.
type Limiter interface {
	// Allow counts one event of key. The error is RATE_LIMITED if the limit is used up.
	Allow(ctx context.Context, key string, limit ratelimit.Limit) error
	// Refund undoes one Allow of key.
	Refund(ctx context.Context, key string, limit ratelimit.Limit) error
}

// LimitCodes makes the service limit wrong codes with l. Call it before the first code is redeemed.
func (s *Service) LimitCodes(l Limiter) { s.limiter = l }

// noLimiter refuses all codes, so that a service without a limiter does not let players guess.
type noLimiter struct{}

func (noLimiter) Allow(context.Context, string, ratelimit.Limit) error {
	return errors.New("LimitCodes was not called")
}
func (noLimiter) Refund(context.Context, string, ratelimit.Limit) error { return nil }

// RedeemParams are the parameters of [AssignmentStore.Redeem].
type RedeemParams struct {
	Player uuid.UUID
	// Code is in upper case.
	Code string
	At   time.Time
}

// Redeemed is the result of a redeemed code.
type Redeemed struct {
	Assignment Assignment
	// Created is false if the player had the assignment before.
	Created bool
}

// Redeeming is what [AssignmentStore.Redeem] has found for a code.
type Redeeming struct {
	RedeemParams
	// Known is true if the registration of the player has arrived. Active and Restricted are the status of a known player.
	Known, Active, Restricted bool
	// Promotion is the promotion that has the code and is not archived, or nil.
	Promotion *Promotion
	// Assignment is the player's assignment of the promotion, or nil.
	Assignment *Assignment
}

// Redeem assigns the promotion with a code to a player and notifies the player, or returns the assignment that the player
// has. Case does not matter. Redeem waits up to two seconds for a player who has just registered. It fails with
// VALIDATION_FAILED if the code is malformed, and with the errors of [Redeeming.Decide].
//
// The player can give ten wrong codes in ten minutes. After that, Redeem fails with RATE_LIMITED, also for a right code. A
// code is wrong if the error is VALIDATION_FAILED or NOT_FOUND. It is counted before it is looked up, and refunded if it is
// not wrong, so that parallel guesses cannot exceed the limit.
func (s *Service) Redeem(ctx context.Context, player uuid.UUID, code string) (Redeemed, error) {
	key := "redeem:" + player.String()
	if err := s.limiter.Allow(ctx, key, WrongCodes()); err != nil {
		return Redeemed{}, err
	}
	redeemed, err := s.redeem(ctx, player, code)
	if c := apperr.CodeOf(err); c != apperr.NotFound && c != apperr.ValidationFailed {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refundTimeout)
		defer cancel()
		_ = s.limiter.Refund(ctx, key, WrongCodes()) // if it fails, the code counts as wrong
	}
	return redeemed, err
}

func (s *Service) redeem(ctx context.Context, player uuid.UUID, code string) (Redeemed, error) {
	if !isCode(code) {
		return Redeemed{}, apperr.Invalid("code", "string.pattern", "must be 4 to 32 letters A to Z, digits and hyphens")
	}
	s.awaitNewPlayers(ctx, []uuid.UUID{player})
	return s.store.Redeem(ctx, RedeemParams{Player: player, Code: canonicalCode(code), At: s.now()})
}

// Decide returns whether the promotion must be assigned. It need not if the player has the assignment. Decide returns an
// error if the code cannot be redeemed:
//
//   - DEPENDENCY_UNAVAILABLE: the registration of the player has not arrived yet
//   - ACCOUNT_DEACTIVATED: the player was deactivated while the request was on its way
//   - NOT_FOUND: no promotion has the code, or its promotion is not available, or is used up and not assigned to the player
//   - PLAYER_RESTRICTED: a restriction refuses promotions to the player
//   - ASSIGNMENT_REVOKED, ASSIGNMENT_EXPIRED: only employees can assign the promotion to the player again
//
// NOT_FOUND does not reveal whether a code exists. All other errors about a promotion show that the code is right.
func (r Redeeming) Decide() (assign bool, err error) {
	switch {
	case !r.Known:
		e := apperr.New(apperr.DependencyUnavailable, "the registration is still being processed; repeat the request")
		e.RetryAfter = RegistrationWait
		return false, e
	case !r.Active:
		return false, apperr.New(apperr.AccountDeactivated, "the account is deactivated")
	case r.Promotion == nil || r.Promotion.Available(r.At) != nil:
		return false, noSuchCode()
	case r.Restricted:
		return false, restrictedError()
	case r.Assignment == nil && r.Promotion.exhausted():
		return false, noSuchCode()
	case r.Assignment == nil:
		return true, nil
	}
	switch r.Assignment.StateAt(r.At) {
	case AssignmentStateRevoked:
		return false, r.Assignment.revoked()
	case AssignmentStateExpired:
		return false, r.Assignment.tooLate()
	default:
		return false, nil
	}
}

func noSuchCode() error {
	return apperr.New(apperr.NotFound, "no promotion with this code is available")
}

// isCode reports whether a code is well-formed, as the schema says of the field code of a promotion.
func isCode(code string) bool {
	if len(code) < 4 || len(code) > 32 {
		return false
	}
	const accepted = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"
	return strings.Trim(code, accepted) == ""
}

// canonicalCode returns the form in which a code is stored and compared.
func canonicalCode(code string) string { return strings.ToUpper(code) }
