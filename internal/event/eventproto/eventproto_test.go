package eventproto_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventproto"
	"github.com/casino-loyalty/loyalty/internal/event/topics"
	"github.com/casino-loyalty/loyalty/internal/golden"
)

const player = "018f0000-0000-7000-8000-000000000001"

var (
	id = uuid.MustParse("018f0000-0000-7000-8000-00000000000e")
	at = time.Date(2026, 3, 10, 1, 2, 3, 456789000, time.FixedZone("east", 3600))
)

// samples returns an event of each kind and the function that decodes it.
func samples(t *testing.T) map[string]struct {
	event  event.Event
	decode func(event.Event) (proto.Message, error)
} {
	t.Helper()
	type row = struct {
		event  event.Event
		decode func(event.Event) (proto.Message, error)
	}
	must := func(e event.Event, err error) event.Event {
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	data, err := structpb.NewStruct(map[string]any{
		"promotionId": "018f0000-0000-7000-8000-000000000002", "a": 1, "b": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	created := timestamppb.New(at)
	return map[string]row{
		"player_registered": {must(usersv1event.NewPlayerEvent(id, at, &usersv1.PlayerEvent{
			EventType: usersv1.PlayerEventType_PLAYER_REGISTERED, UserId: player,
		})), func(e event.Event) (proto.Message, error) { return usersv1event.DecodePlayerEvent(e) }},
		"player_restricted": {must(usersv1event.NewPlayerEvent(id, at, &usersv1.PlayerEvent{
			EventType: usersv1.PlayerEventType_PLAYER_RESTRICTED, UserId: player, StatusVersion: 7,
			Status: &usersv1.PlayerStatus{IsActive: true, Restrictions: []*usersv1.PlayerRestriction{
				{Kind: usersv1.RestrictionKind_COOL_OFF, Until: created, ByPlayer: true}, {Kind: usersv1.RestrictionKind_BONUS_ABUSE},
			}},
		})), func(e event.Event) (proto.Message, error) { return usersv1event.DecodePlayerEvent(e) }},
		"transaction_added": {must(usersv1event.NewTransactionEvent(id, at, &usersv1.TransactionEvent{
			EventType: usersv1.TransactionEventType_TRANSACTION_ADDED, UserId: player, IdempotencyKey: "key",
			Transaction: &usersv1.Transaction{
				Id: "018f0000-0000-7000-8000-000000000003", UserId: player, Type: usersv1.TransactionType_CREDIT, Amount: "20.00",
				BalanceAfter: "20.00", Description: "Claimed", AdditionalData: data, CreatedAt: created,
			},
		})), func(e event.Event) (proto.Message, error) { return usersv1event.DecodeTransactionEvent(e) }},
		"promotion": {must(notificationsv1event.NewNotificationEvent(id, at, &notificationsv1.NotificationEvent{
			EventType: notificationsv1.NotificationEventType_PROMOTION, UserId: player,
			Content: &promotionsv1.Promotion{
				Id: "018f0000-0000-7000-8000-000000000002", Title: "Welcome", IsActive: new(true), Amount: "20.00",
				Type: promotionsv1.PromotionType_WELCOME_BONUS, StartDate: "2026-03-01", EndDate: "2026-03-31",
				CreatedAt: created, UpdatedAt: created,
			},
		})), func(e event.Event) (proto.Message, error) { return notificationsv1event.DecodeNotificationEvent(e) }},
	}
}

// TestGolden compares encoded events with golden files, because consumers outside the project rely on the encoding.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, row := range samples(t) {
		e := row.event
		m, err := row.decode(e)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for attribute, value := range e.Attributes() {
			fmt.Fprintf(&b, "%s: %s\n", attribute, value)
		}
		fmt.Fprintf(&b, "content-type: %s\ntopic: %s\nkey: %s\n\n", e.ContentType, e.Topic, e.Key)
		fmt.Fprintf(&b, "%s\n%s", jsonOf(t, m), hex.Dump(e.Data))
		golden.Compare(t, filepath.Join("testdata", name+".golden"), b.String())
	}
}

// jsonOf returns m as JSON with stable indentation.
func jsonOf(t *testing.T, m proto.Message) string {
	t.Helper()
	text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n"
}

func TestEncodeIsDeterministic(t *testing.T) {
	t.Parallel()
	for name, first := range samples(t) {
		for range 20 {
			if again := samples(t)[name]; !bytes.Equal(again.event.Data, first.event.Data) {
				t.Errorf("%s: data differs between two calls", name)
			}
		}
	}
}

func TestDecodeJSON(t *testing.T) {
	t.Parallel()
	document := `{"topic":"player","eventType":"PLAYER_REGISTERED","user_id":"` + player + `","addedLater":{"a":1}}`
	for _, contentType := range []string{"", "application/json", "Application/JSON; charset=utf-8"} {
		m, err := usersv1event.DecodePlayerEvent(event.Event{ContentType: contentType, Data: []byte(document)})
		if err != nil || m.GetUserId() != player || m.GetEventType() != usersv1.PlayerEventType_PLAYER_REGISTERED {
			t.Errorf("content type %q: got %v, %v; want PLAYER_REGISTERED of %s", contentType, m, err, player)
		}
	}
	for name, row := range samples(t) {
		want, err := row.decode(row.event)
		if err != nil {
			t.Fatal(err)
		}
		got, err := row.decode(event.Event{ContentType: event.ContentJSON, Data: []byte(jsonOf(t, want))})
		if err != nil || !proto.Equal(got, want) {
			t.Errorf("%s: got %v, %v; want %v", name, got, err, want)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ contentType, data, want string }{
		"no data":                       {"", "", "no data"},
		"white space":                   {"application/json", " \n", "no data"},
		"not JSON":                      {"application/json", "hello", "decode loyalty.users.v1.PlayerEvent"},
		"protobuf without content type": {"", "\x10\x01\x1a\x24" + player, "no content-type header"},
		"not protobuf":                  {"application/protobuf", "\xff\xff", "decode loyalty.users.v1.PlayerEvent"},
		"other content type":            {"text/plain", "hello", `"text/plain" is not supported`},
		"no event type":                 {"", `{"user_id":"` + player + `"}`, "eventType is not specified"},
		"empty event type":              {"", `{"eventType":"","user_id":"` + player + `"}`, "eventType is not specified"},
		"event type null":               {"", `{"eventType":null,"user_id":"` + player + `"}`, "eventType is not specified"},
		"invalid event type": {"", `{"eventType":"eat the player!","user_id":"` + player + `"}`,
			"eventType is not specified"},
		"event type is a list": {"", `{"eventType":["PLAYER_EATEN"],"user_id":"` + player + `"}`,
			"decode loyalty.users.v1.PlayerEvent"},
		"unspecified event type": {"", `{"eventType":"PLAYER_EVENT_TYPE_UNSPECIFIED","user_id":"` + player + `"}`,
			"eventType is not specified"},
		"unspecified event type as number": {"application/protobuf", "\x10\x00\x1a\x24" + player, "eventType is not specified"},
		"unknown event type without key":   {"", `{"eventType":"PLAYER_EATEN"}`, "user_id is missing"},
		"no key":                           {"", `{"eventType":"PLAYER_REGISTERED"}`, "user_id is missing"},
		"key is not a UUID":                {"", `{"eventType":"PLAYER_REGISTERED","user_id":"7"}`, "user_id is not a UUID"},
	} {
		called := false
		s := usersv1event.OnPlayerEvent("group", func(context.Context, event.Event, *usersv1.PlayerEvent) error {
			called = true
			return nil
		})
		err := s.Handler(t.Context(), event.Event{ContentType: tt.contentType, Data: []byte(tt.data)})
		if err == nil || !event.IsPermanent(err) || !strings.Contains(err.Error(), tt.want) || called {
			t.Errorf("%s: handler returned %v, want a permanent error with %q", name, err, tt.want)
		}
	}
}

// TestUnknownEventTypes checks that the handler receives events of a type that is not in the schema.
func TestUnknownEventTypes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		contentType, data string
		want              usersv1.PlayerEventType
	}{
		"number":             {"application/protobuf", "\x10\x63\x1a\x24" + player, 99},
		"number in JSON":     {"", `{"eventType":99,"user_id":"` + player + `"}`, 99},
		"name in JSON":       {"", `{"topic":"player","eventType":"PLAYER_EATEN","user_id":"` + player + `"}`, -1},
		"field name in JSON": {"application/json", `{"event_type":"PLAYER_EATEN","user_id":"` + player + `"}`, -1},
	} {
		var got *usersv1.PlayerEvent
		s := usersv1event.OnPlayerEvent("group", func(_ context.Context, _ event.Event, m *usersv1.PlayerEvent) error {
			got = m
			return nil
		})
		err := s.Handler(t.Context(), event.Event{ContentType: tt.contentType, Data: []byte(tt.data)})
		if err != nil || got.GetEventType() != tt.want || got.GetUserId() != player || eventproto.Known(got.GetEventType()) {
			t.Errorf("%s: got %v, %v; want the unknown type %d", name, got, err, tt.want)
		}
	}
	if !eventproto.Known(usersv1.PlayerEventType_PLAYER_ACTIVATED) {
		t.Error("Known = false for PLAYER_ACTIVATED, want true")
	}
}

func TestSubscription(t *testing.T) {
	t.Parallel()
	errRetry := errors.New("retry")
	var got *usersv1.PlayerEvent
	s := usersv1event.OnPlayerEvent("group", func(_ context.Context, e event.Event, m *usersv1.PlayerEvent) error {
		if e.ID != id.String() {
			t.Errorf("event has id %s, want %s", e.ID, id)
		}
		got = m
		return errRetry
	})
	if s.Group != "group" || s.Topic != usersv1event.PlayersTopic {
		t.Errorf("got group %q and topic %q, want group %q and topic %q", s.Group, s.Topic, "group", usersv1event.PlayersTopic)
	}
	err := s.Handler(t.Context(), samples(t)["player_registered"].event)
	if !errors.Is(err, errRetry) || event.IsPermanent(err) || got.GetUserId() != player || got.GetTopic() != "player" {
		t.Errorf("handler got %v and returned %v, want the event and a retryable error", got, err)
	}
}

func TestNewEventRefusesIncompleteEvents(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]*usersv1.PlayerEvent{
		"eventType":             {UserId: player},
		"user_id is missing":    {EventType: usersv1.PlayerEventType_PLAYER_ACTIVATED},
		"user_id is not a UUID": {EventType: usersv1.PlayerEventType_PLAYER_ACTIVATED, UserId: "7"},
	} {
		if _, err := usersv1event.NewPlayerEvent(id, at, m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
}

// TestTopics compares the topics of all services with testdata/topics.golden. A consumer relies on a topic's name and
// retention, so a change must show in a review.
func TestTopics(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, topic := range topics.All() {
		fmt.Fprintf(&b, "%s %s\n", topic.Name, topic.Retention)
	}
	golden.Compare(t, filepath.Join("testdata", "topics.golden"), b.String())
}

func FuzzDecode(f *testing.F) {
	f.Add("", []byte(`{"eventType":"PLAYER_REGISTERED","user_id":"`+player+`"}`))
	f.Add("application/protobuf", []byte("\x10\x01\x1a\x24"+player))
	f.Add("", []byte(`{"eventType":"PLAYER_EATEN","user_id":"`+player+`"}`))
	f.Fuzz(func(t *testing.T, contentType string, data []byte) {
		m, err := usersv1event.DecodePlayerEvent(event.Event{ContentType: contentType, Data: data})
		if err != nil {
			if !event.IsPermanent(err) {
				t.Errorf("error %v is not permanent", err)
			}
			return
		}
		if _, err := usersv1event.NewPlayerEvent(id, at, m); err != nil {
			t.Errorf("decoded event cannot be encoded: %v", err)
		}
	})
}
