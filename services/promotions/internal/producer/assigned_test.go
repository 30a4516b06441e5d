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

func TestAssignedBuildsOneEventPerPlayer(t *testing.T) {
	t.Parallel()
	p := promotions.Promotion{Type: promotions.PromotionTypeBonus}
	new(entitytest.Filler).Fill(t, &p)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	players := []uuid.UUID{uuid.New(), uuid.New()}
	events, err := producer.Assigned(p, players, at)
	if err != nil || len(events) != len(players) {
		t.Fatalf("got %d events, %v, want %d", len(events), err, len(players))
	}
	if events[0].ID == events[1].ID {
		t.Errorf("both events have the id %s", events[0].ID)
	}
	for i, e := range events {
		if e.Topic != notificationsv1event.NotificationsTopic || e.Key != players[i].String() || !e.Time.Equal(at) {
			t.Errorf("event %d: got topic %s, key %s and time %s, want %s, %s and %s",
				i, e.Topic, e.Key, e.Time, notificationsv1event.NotificationsTopic, players[i], at)
		}
		m, err := notificationsv1event.DecodeNotificationEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		want := &notificationsv1.NotificationEvent{
			Topic: "notifications", UserId: players[i].String(),
			EventType: notificationsv1.NotificationEventType_PROMOTION, Content: wire.FromPromotion(p),
		}
		if !proto.Equal(m, want) {
			t.Errorf("event %d: got %v, want %v", i, m, want)
		}
	}
}

func TestAssignedWithoutPlayersBuildsNoEvent(t *testing.T) {
	t.Parallel()
	if events, err := producer.Assigned(promotions.Promotion{}, nil, time.Now()); err != nil || len(events) != 0 {
		t.Errorf("got %v, %v, want no events", events, err)
	}
}
