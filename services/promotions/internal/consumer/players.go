// Package consumer subscribes the promotions service to the events of the users service.
package consumer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventproto"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// Group is the consumer group of the promotions service.
const Group = "promotions"

// InboxRetention returns how long the inbox must keep the id of a processed event. It covers the time in which the bus can
// deliver the event again, including as a replayed dead letter.
func InboxRetention() time.Duration {
	longest := time.Duration(0)
	for _, t := range usersv1event.Topics() {
		longest = max(longest, t.Retention)
	}
	return longest + event.DeadLetterRetention
}

// Players returns the subscription to registrations of players and changes of their status.
func Players(s *promotions.Service) event.Subscription {
	check := eventproto.Checker((&usersv1.PlayerEvent{}).ProtoReflect().Descriptor())
	return usersv1event.OnPlayerEvent(Group, func(ctx context.Context, e event.Event, m *usersv1.PlayerEvent) error {
		if err := check(m); err != nil {
			return err
		}
		player, err := uuid.Parse(m.GetUserId())
		if err != nil {
			return event.Permanentf("user_id: %w", err)
		}
		switch m.GetEventType() {
		case usersv1.PlayerEventType_PLAYER_REGISTERED:
			return s.Registered(ctx, e.ID, player, e.Time)
		case usersv1.PlayerEventType_PLAYER_DEACTIVATED, usersv1.PlayerEventType_PLAYER_ACTIVATED,
			usersv1.PlayerEventType_PLAYER_RESTRICTED, usersv1.PlayerEventType_PLAYER_UNRESTRICTED:
			c, err := statusChange(m, player)
			if err != nil {
				return err
			}
			c.At = e.Time
			return s.PlayerStatusChanged(ctx, e.ID, c)
		default:
			return nil // an event type that is newer than this service
		}
	})
}

// statusChange reads an event about the status of a player.
func statusChange(m *usersv1.PlayerEvent, player uuid.UUID) (promotions.StatusChange, error) {
	c := promotions.StatusChange{Player: player, Version: int64(m.GetStatusVersion()), Complete: m.GetStatus() != nil}
	// There is no maximum: it would not keep a forged event from preceding all later ones, and acts of players increment the
	// version, so they could make dead letters of their deactivations.
	if c.Version < 1 {
		return c, event.Permanentf("statusVersion: must be at least 1, is %d", m.GetStatusVersion())
	}
	switch m.GetEventType() {
	case usersv1.PlayerEventType_PLAYER_DEACTIVATED:
	case usersv1.PlayerEventType_PLAYER_ACTIVATED:
		c.Active = true
	default:
		if !c.Complete {
			return c, event.Permanentf("status: is missing")
		}
		c.Active = m.GetStatus().GetIsActive()
	}
	var err error
	c.Restrictions, err = restrictions(m.GetStatus().GetRestrictions(), player)
	return c, err
}

// restrictions reads the restrictions of a player. It omits kinds that are newer than this service: the ledger enforces
// them.
func restrictions(all []*usersv1.PlayerRestriction, player uuid.UUID) ([]promotions.PlayerRestriction, error) {
	var found []promotions.PlayerRestriction
	read := fields.Reader{}
	for i, m := range all {
		name := fmt.Sprintf("status.restrictions[%d]", i)
		if m.GetKind() == usersv1.RestrictionKind_RESTRICTION_KIND_UNSPECIFIED {
			return nil, event.Permanentf("%s.kind: is missing", name)
		}
		r := promotions.PlayerRestriction{
			UserID: player, Kind: promotions.RestrictionKind(m.GetKind().String()), ByPlayer: m.GetByPlayer(),
			Until: read.Time(name+".until", m.GetUntil(), fields.Optional),
		}
		if slices.ContainsFunc(found, func(other promotions.PlayerRestriction) bool {
			return other.Kind == r.Kind && other.ByPlayer == r.ByPlayer
		}) {
			return nil, event.Permanentf("%s: the kind %s occurs twice", name, r.Kind)
		}
		if slices.Contains(promotions.RestrictionKinds(), r.Kind) {
			found = append(found, r)
		}
	}
	if err := read.Err(); err != nil {
		return nil, event.Permanent(err)
	}
	return found, nil
}
