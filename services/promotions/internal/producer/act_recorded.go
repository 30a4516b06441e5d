package producer

import (
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/event"
)

// serviceName is the name of the service in the audit trail.
const serviceName = "promotions"

// ActRecorded returns the event that carries an entry of the audit trail to the users service. The event has the id of the
// entry.
func ActRecorded(e audit.Entry) (event.Event, error) {
	before, err := structpb.NewStruct(e.Before)
	if err != nil {
		return event.Event{}, err
	}
	after, err := structpb.NewStruct(e.After)
	if err != nil {
		return event.Event{}, err
	}
	return usersv1event.NewAuditEvent(e.ID, e.At, &usersv1.AuditEvent{
		EventType: usersv1.AuditEventType_ACT_RECORDED,
		Actor:     e.Actor.String(),
		Entry: &usersv1.AuditEntry{
			Id: e.ID.String(), At: timestamppb.New(e.At), Service: serviceName, Actor: e.Actor.String(),
			Action: optionsv1.AuditAction(optionsv1.AuditAction_value[e.Action]), Target: e.Target.String(),
			Address: e.Address, Session: e.Session.String(), Outcome: e.Outcome, Before: before, After: after,
		},
	})
}
