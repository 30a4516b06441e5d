// Package consumer subscribes the users service to the entries of the audit trail that other services record.
package consumer

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"google.golang.org/protobuf/proto"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventproto"
	"github.com/casino-loyalty/loyalty/internal/schema/registry"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// Group is the consumer group of the users service.
const Group = "users"

// Audit returns the subscription to entries of the audit trail.
func Audit(s *users.Service) event.Subscription {
	own := ownActions()
	return usersv1event.OnAuditEvent(Group, func(ctx context.Context, _ event.Event, m *usersv1.AuditEvent) error {
		if m.GetEventType() != usersv1.AuditEventType_ACT_RECORDED {
			return nil // an event type that is newer than this service
		}
		if action := m.GetEntry().GetAction(); !eventproto.Known(action) {
			// It must not be retried like an outage: a service that may write to the bus could then stop the trail with such events.
			return event.Permanentf("entry.action: %d is unknown to this version; replay it after the upgrade of users", action)
		}
		e, err := entry(m.GetEntry())
		if err == nil {
			err = check(m.GetEntry(), e, own)
		}
		if err != nil {
			return event.Permanentf("entry: %w", err)
		}
		return s.AddAuditEntry(ctx, e)
	})
}

// maxState is the maximum size of the states before and after an act, in bytes of protobuf.
const maxState = 16 << 10

// check returns an error if no other service records such an entry. The actions own are those of users. Somebody who can
// write to the bus must not be able to forge the acts that users records, or to store large or unreadable entries.
func check(m *usersv1.AuditEntry, e users.AuditEntry, own map[optionsv1.AuditAction]bool) error {
	_, addressErr := netip.ParseAddr(e.Address)
	_, isCode := apperr.Codes()[apperr.Code(e.Outcome)]
	switch {
	case e.Service != "promotions" && e.Service != "notifications":
		return errors.New("service: must be promotions or notifications")
	case own[m.GetAction()]:
		return fmt.Errorf("action: %s is recorded by users only", m.GetAction())
	case !datedByID(e):
		return errors.New("id: must be a UUIDv7 of the time of the act, which must not be in the future")
	case e.Address != "" && addressErr != nil:
		return errors.New("address: must be an IP address")
	case e.Outcome != audit.OK && !isCode:
		return errors.New("outcome: must be OK or an error code")
	case proto.Size(m.GetBefore()) > maxState || proto.Size(m.GetAfter()) > maxState:
		return fmt.Errorf("before, after: must be at most %d bytes each", maxState)
	}
	return nil
}

// ownActions returns the actions that the users service records: those of its methods, and those of the operators' commands.
func ownActions() map[optionsv1.AuditAction]bool {
	own := map[optionsv1.AuditAction]bool{optionsv1.AuditAction_CREATE_ADMIN: true, optionsv1.AuditAction_RESET_ADMIN: true}
	for _, method := range registry.Methods(usersv1.File_loyalty_users_v1_user_proto.Package()) {
		if action, ok := registry.Audited(method); ok {
			own[action] = true
		}
	}
	return own
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
