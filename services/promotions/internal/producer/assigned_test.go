package producer_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	"github.com/casino-loyalty/loyalty/internal/entitytest"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/producer"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

func TestAssignedBuildsOneEventPerAssignment(t *testing.T) {
	t.Parallel()
	p := promotions.Promotion{Type: promotions.PromotionTypeBonus, State: promotions.PromotionStateDraft}
	new(entitytest.Filler).Fill(t, &p)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	assignments := []promotions.Assignment{
		{ID: uuid.New(), UserID: uuid.New(), CreatedAt: at}, {ID: uuid.New(), UserID: uuid.New(), CreatedAt: at.Add(time.Second)},
	}
	events, err := producer.Assigned(p, assignments)
	if err != nil || len(events) != len(assignments) {
		t.Fatalf("got %d events, %v, want %d", len(events), err, len(assignments))
	}
	for i, e := range events {
		a := assignments[i]
		if e.ID != a.ID.String() || e.Topic != notificationsv1event.NotificationsTopic || e.Key != a.UserID.String() ||
			!e.Time.Equal(a.CreatedAt) {
			t.Errorf("event %d: got id %s, topic %s, key %s and time %s, want those of %+v", i, e.ID, e.Topic, e.Key, e.Time, a)
		}
		m, err := notificationsv1event.DecodeNotificationEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		p.State = p.StateAt(a.CreatedAt)
		content := wire.FromPromotion(p)
		content.Limits, content.Usage, content.Code = nil, nil, nil // players must not see them
		want := &notificationsv1.NotificationEvent{
			Topic: "notifications", UserId: a.UserID.String(),
			EventType: notificationsv1.NotificationEventType_PROMOTION, Content: content,
		}
		if !proto.Equal(m, want) {
			t.Errorf("event %d: got %v, want %v", i, m, want)
		}
	}
}

func TestAssignedWithoutAssignmentsBuildsNoEvent(t *testing.T) {
	t.Parallel()
	if events, err := producer.Assigned(promotions.Promotion{}, nil); err != nil || len(events) != 0 {
		t.Errorf("got %v, %v, want no events", events, err)
	}
}
