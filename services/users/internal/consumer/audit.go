// Package consumer subscribes the users service to the entries of the audit trail that other services record.
package consumer

import (
	"context"
	"time"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// Group is the consumer group of the users service.
const Group = "users"

// Audit returns the subscription to entries of the audit trail.
func Audit(s *users.Service) event.Subscription {
	return usersv1event.OnAuditEvent(Group, func(ctx context.Context, _ event.Event, m *usersv1.AuditEvent) error {
		if m.GetEventType() != usersv1.AuditEventType_ACT_RECORDED {
			return nil // an event type that is newer than this service
		}
		if m.GetEntry().GetAction().Descriptor().Values().ByNumber(m.GetEntry().GetAction().Number()) == nil {
			// During an upgrade, the new replicas know the action.
			return apperr.New(apperr.DependencyUnavailable, "the action %d needs a newer release of users", m.GetEntry().GetAction())
		}
		e, err := entry(m.GetEntry())
		switch {
		case err != nil:
			return event.Permanentf("entry: %w", err)
		case e.Service == "" || e.Service == users.ServiceName:
			return event.Permanentf("service: must be another service than users")
		case !datedByID(e):
			return event.Permanentf("id: must be a UUIDv7 of the time of the act, which must not be in the future")
		}
		return s.AddAuditEntry(ctx, e)
	})
}

// clockTolerance is the maximum difference between the clocks of services.
const clockTolerance = 5 * time.Minute

// datedByID reports whether the id of an entry has the time of the entry. The trail is sorted, filtered and pruned by id, so
// a forged entry with a later id would stay at the top for ever.
func datedByID(e users.AuditEntry) bool {
	made := time.Unix(e.ID.Time().UnixTime())
	return e.ID.Version() == 7 && made.Sub(e.At).Abs() <= clockTolerance && time.Until(made) <= clockTolerance
}

// entry converts an entry. Other services record acts of employees.
func entry(m *usersv1.AuditEntry) (users.AuditEntry, error) {
	var r fields.Reader
	e := users.AuditEntry{
		ID:       r.UUID("id", m.GetId(), fields.Required),
		At:       r.Time("at", m.GetAt(), fields.Required),
		Service:  m.GetService(),
		Actor:    r.UUID("actor", m.GetActor(), fields.Required),
		Action:   fields.Enum(&r, "action", m.GetAction(), wire.ToAuditAction, fields.Required),
		Target:   r.UUID("target", m.GetTarget(), fields.Optional),
		Address:  m.GetAddress(),
		Session:  r.UUID("session", m.GetSession(), fields.Optional),
		Outcome:  m.GetOutcome(),
		Before:   r.Struct(m.GetBefore()),
		After:    r.Struct(m.GetAfter()),
		LongTerm: m.GetOutcome() == audit.OK,
	}
	return e, r.Err()
}
