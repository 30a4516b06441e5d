package promotions

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// forEver is the end of a restriction without an end, in microseconds since 1970.
const forEver = math.MaxInt64

// WithRestrictions returns p with the given restrictions, which the player has with a status version.
func (p Player) WithRestrictions(restrictions []PlayerRestriction, version int64) Player {
	p.RestrictionsVersion = version
	p.PromotionsRefusedUntil = latestEnd(restrictions, RestrictionKind.RefusesPromotions)
	p.PromotionsMutedUntil = latestEnd(restrictions, RestrictionKind.MutesPromotions)
	return p
}

// latestEnd returns when the last of the restrictions expires whose kind has the rule, in microseconds since 1970. It
// returns 0 if there is none.
func latestEnd(restrictions []PlayerRestriction, rule func(RestrictionKind) bool) int64 {
	var end int64
	for _, r := range restrictions {
		switch {
		case !rule(r.Kind):
		case r.Until.IsZero():
			return forEver
		default:
			end = max(end, r.Until.UnixMicro())
		}
	}
	return end
}

// SameLimits reports whether two states of a player refuse and mute promotions until the same times. It ignores times that
// have passed.
func (p Player) SameLimits(other Player, at time.Time) bool {
	now := at.UnixMicro()
	return max(p.PromotionsRefusedUntil, now) == max(other.PromotionsRefusedUntil, now) &&
		max(p.PromotionsMutedUntil, now) == max(other.PromotionsMutedUntil, now)
}

// SameRestrictions reports whether two lists contain the same restrictions at a time. It ignores expired ones.
func SameRestrictions(a, b []PlayerRestriction, at time.Time) bool {
	return slices.EqualFunc(inForce(a, at), inForce(b, at), func(a, b PlayerRestriction) bool {
		return a.Kind == b.Kind && a.ByPlayer == b.ByPlayer && a.Until.Equal(b.Until)
	})
}

// inForce returns the restrictions that have not expired, in a fixed order.
func inForce(restrictions []PlayerRestriction, at time.Time) []PlayerRestriction {
	left := slices.DeleteFunc(slices.Clone(restrictions), func(r PlayerRestriction) bool {
		return !r.Until.IsZero() && !at.Before(r.Until)
	})
	slices.SortFunc(left, func(a, b PlayerRestriction) int {
		if a.Kind != b.Kind {
			return strings.Compare(string(a.Kind), string(b.Kind))
		}
		if a.ByPlayer == b.ByPlayer {
			return 0
		}
		if a.ByPlayer {
			return -1
		}
		return 1
	})
	return left
}

// restrictedError returns PLAYER_RESTRICTED. It does not say why: a player must not learn of a restriction that an employee
// has set.
func restrictedError() error { return apperr.New(apperr.PlayerRestricted, "the player is restricted") }
