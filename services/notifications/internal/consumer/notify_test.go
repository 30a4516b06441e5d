package consumer_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/consumer"
)

const player = "018f0000-0000-7000-8000-000000000001"

// fakeStore counts the notifications that are added, and keeps the last one.
type fakeStore struct {
	notifications.Store
	added int
	last  notifications.Notification
}

func (s *fakeStore) Add(_ context.Context, n notifications.Notification) (notifications.Notification, bool, error) {
	s.added++
	s.last = n
	return n, true, nil
}

// fakeLive discards notifications.
type fakeLive struct{ notifications.Live }

func (fakeLive) Notified(context.Context, notifications.Notification) {}

func handle(t *testing.T, e event.Event) (added int, err error) {
	t.Helper()
	e.ID = uuid.NewString()
	store := &fakeStore{}
	err = consumer.Notifications(notifications.New(store, fakeLive{}, time.Now)).Handler(t.Context(), e)
	return store.added, err
}

// promotion returns an event with a promotion that change has changed.
func promotion(t *testing.T, change func(*promotionsv1.Promotion)) event.Event {
	t.Helper()
	p := &promotionsv1.Promotion{
		Id: player, Title: "Welcome", IsActive: new(true), Amount: "20.00", Type: promotionsv1.PromotionType_BONUS,
		StartDate: "2026-03-01", EndDate: "2026-03-31",
	}
	change(p)
	e, err := notificationsv1event.NewNotificationEvent(uuid.New(), time.Now(), &notificationsv1.NotificationEvent{
		EventType: notificationsv1.NotificationEventType_PROMOTION, UserId: player, Content: p,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func document(content string) event.Event {
	return event.Event{Data: []byte(`{"eventType":"PROMOTION","user_id":"` + player + `","content":` + content + `}`)}
}

// TestInvalidNotificationsArePermanent sends notifications that the promotions service does not publish.
func TestInvalidNotificationsArePermanent(t *testing.T) {
	t.Parallel()
	const valid = `"title":"A","type":"BONUS","amount":"5.00","startDate":"2026-03-01","endDate":"2026-03-31"`
	for name, tt := range map[string]struct {
		event event.Event
		want  string // empty for a valid event
	}{
		"valid":                  {promotion(t, func(*promotionsv1.Promotion) {}), ""},
		"valid document":         {document("{" + valid + `,"later":{"a":["b",1]}}`), ""},
		"newer type":             {promotion(t, func(p *promotionsv1.Promotion) { p.Type = 99 }), ""},
		"negative amount":        {promotion(t, func(p *promotionsv1.Promotion) { p.Amount = "-5" }), "content.amount"},
		"bidirectional override": {promotion(t, func(p *promotionsv1.Promotion) { p.Title = "a\u202eb" }), "content.title: the character U+202E"},
		"control character":      {promotion(t, func(p *promotionsv1.Promotion) { p.Description = "a\x1b[2Jb" }), "content.description"},
		"long title":             {promotion(t, func(p *promotionsv1.Promotion) { p.Title = strings.Repeat("x", 201) }), "content.title"},
		"malformed date":         {promotion(t, func(p *promotionsv1.Promotion) { p.EndDate = "soon" }), "content.endDate"},
		"malformed id":           {promotion(t, func(p *promotionsv1.Promotion) { p.Id = "17" }), "content.id"},
		"no title":               {promotion(t, func(p *promotionsv1.Promotion) { p.Title = "" }), "content.title"},
		"character in a member":  {document("{" + valid + `,"later":["a` + `\u2066` + `"]}`), "content: the character U+2066"},
		"character in a name":    {document("{" + valid + `,"a\u001b":1}`), "content: the character U+001B"},
		"no content":             {document("null"), "content"},
	} {
		added, err := handle(t, tt.event)
		if tt.want == "" {
			if err != nil || added != 1 {
				t.Errorf("%s: %v and %d notifications, want one", name, err, added)
			}
			continue
		}
		if !event.IsPermanent(err) || !strings.Contains(err.Error(), tt.want) || added > 0 {
			t.Errorf("%s: %v and %d notifications, want a permanent error with %q", name, err, added, tt.want)
		}
	}
}

// An event of an older release has no state.
func TestContentOfAPromotion(t *testing.T) {
	t.Parallel()
	const members = "amount description endDate id isActive startDate title type"
	for name, tt := range map[string]struct {
		state promotionsv1.PromotionState
		want  string
	}{
		"older release": {promotionsv1.PromotionState_PROMOTION_STATE_UNSPECIFIED, members},
		"with a state":  {promotionsv1.PromotionState_ACTIVE, "amount description endDate id isActive startDate state title type"},
	} {
		e := promotion(t, func(p *promotionsv1.Promotion) { p.State = tt.state })
		store := &fakeStore{}
		if err := consumer.Notifications(notifications.New(store, fakeLive{}, time.Now)).Handler(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(store.last.Content)), " "); got != tt.want {
			t.Errorf("%s: the content has the members %s, want %s", name, got, tt.want)
		}
	}
}
