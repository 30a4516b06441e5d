package users

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

const (
	// minTemporary is the minimum time to the end of a temporary restriction.
	minTemporary = 24 * time.Hour
	// untilSlack is how much earlier a temporary restriction may end: the client calculates the end before the request.
	untilSlack = time.Minute
)

// RestrictionStore stores the restrictions of players. A player and the employees set restrictions independently: for each
// kind, a player has at most one restriction of either side.
//
// A change is one transaction: it locks the player, increments the status version, and stores the event with all
// restrictions. It does not end sessions. The time of the change is read after the lock. After it, the ledger decides by
// the new restrictions on all replicas.
type RestrictionStore interface {
	// Restrictions returns the restrictions of a user that were neither lifted nor replaced, oldest first. They include expired
	// ones. The error is NOT_FOUND if no user has the id.
	Restrictions(ctx context.Context, user uuid.UUID) ([]Restriction, error)
	// SetRestriction stores r, with the time of the change as CreatedAt, in place of the player's restriction of the same
	// kind and side. It passes that restriction to replaces, or the zero value. It returns the restriction that the player
	// has afterwards: r, or the earlier one if replaces returns false. Then it writes nothing. Errors: NOT_FOUND if no
	// player has the id, TOKEN_REVOKED if the user by is not active, and the error of replaces.
	SetRestriction(
		ctx context.Context, by uuid.UUID, r Restriction, replaces func(before Restriction) (bool, error),
	) (Restriction, error)
	// LiftRestrictions ends restrictions of a player. It passes those that were neither lifted nor replaced to
	// choose, which returns the ones to end. Errors: as of SetRestriction.
	LiftRestrictions(
		ctx context.Context, by, player uuid.UUID, choose func([]Restriction) ([]Restriction, error),
	) error
}

// InForce reports whether the restriction restricts the player at a time.
func (r Restriction) InForce(at time.Time) bool {
	return r.ID != uuid.Nil && r.EndedAt.IsZero() && (r.Until.IsZero() || at.Before(r.Until))
}

// InForce returns the restrictions that restrict the player at a time.
func InForce(all []Restriction, at time.Time) []Restriction {
	return slices.DeleteFunc(slices.Clone(all), func(r Restriction) bool { return !r.InForce(at) })
}

// endsBefore reports whether r expires before other.
func (r Restriction) endsBefore(other Restriction) bool {
	return !r.Until.IsZero() && (other.Until.IsZero() || r.Until.Before(other.Until))
}

// checkUntil returns VALIDATION_FAILED if the restriction cannot be set at a time, because it ends too early.
func (r Restriction) checkUntil(at time.Time) error {
	switch {
	case r.Kind.Temporary() && (r.Until.IsZero() || r.Until.Before(at.Add(minTemporary-untilSlack))):
		return apperr.Invalid("until", "min_ahead", "%s needs an end at least %.0f hours ahead", r.Kind, minTemporary.Hours())
	case !r.Until.IsZero() && !r.Until.After(at):
		return apperr.Invalid("until", "future", "must be in the future")
	}
	return nil
}

// forEver is the time for which a restriction without an end refuses promotions.
const forEver = math.MaxInt64

// RefusedUntil returns until when restrictions that were neither lifted nor replaced refuse promotions; see
// [User.PromotionsRefusedUntil].
func RefusedUntil(open []Restriction) int64 {
	var until int64
	for _, r := range open {
		switch {
		case !r.Kind.RefusesPromotions():
		case r.Until.IsZero():
			return forEver
		default:
			until = max(until, r.Until.UnixMicro())
		}
	}
	return until
}

// SessionVersion returns the version that sessions and known clients of the user compare. It is the status version without
// the changes of the restrictions, which must not end a session: the player would notice a restriction that an employee has
// set.
func (u User) SessionVersion() int64 { return u.StatusVersion - u.RestrictionChanges }

// kindsOfPlayers lists the kinds that players may set.
func kindsOfPlayers() string {
	var names []string
	for _, kind := range RestrictionKinds() {
		if kind.SetByPlayers() {
			names = append(names, string(kind))
		}
	}
	return strings.Join(names, ", ")
}

func noRestriction(kind RestrictionKind) error {
	return apperr.New(apperr.NotFound, "the player has no restriction %s", kind)
}

func locked(kind RestrictionKind) error {
	return apperr.New(apperr.RestrictionLocked, "the restriction %s cannot be shortened or lifted", kind)
}

// countChange counts a change of a kind of restriction by a player. The error is RATE_LIMITED after too many changes: each
// change stores a row, and increments the status version, which consumers limit. Each kind is counted on its own, so that no
// player is kept from a self-exclusion by changes of another kind.
func (s *Service) countChange(ctx context.Context, player uuid.UUID, kind RestrictionKind) error {
	return s.limited(LimitRestrictionsPerPlayer,
		s.limiter.Allow(ctx, fmt.Sprintf("restrictions:%s:%s", player, kind), s.limits.RestrictionsPerPlayer))
}
