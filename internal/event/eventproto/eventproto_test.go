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
	"github.com/casino-loyalty/loyalty/internal/golden"
)

const player = "018f0000-0000-7000-8000-000000000001"

var (
	id = uuid.MustParse("018f0000-0000-7000-8000-00000000000e")
	at = time.Date(2026, 3, 10, 1, 2, 3, 456789000, time.FixedZone("east", 3600))
)

// made are one event of each kind, and how it is read.
func made(t *testing.T) map[string]struct {
	event event.Event
	read  func(event.Event) (proto.Message, error)
} {
	t.Helper()
	type row = struct {
		event event.Event
		read  func(event.Event) (proto.Message, error)
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

// The bytes on the bus are a contract: what is stored there was written by older releases.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, row := range made(t) {
		e := row.event
		m, err := row.read(e)
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

// jsonOf is m's JSON form, indented in the same way on every run.
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

func TestEqualMessagesGiveEqualData(t *testing.T) {
	t.Parallel()
	for name, first := range made(t) {
		for range 20 {
			if again := made(t)[name]; !bytes.Equal(again.event.Data, first.event.Data) {
				t.Errorf("%s: the data differ", name)
			}
		}
	}
}

func TestJSONIsAccepted(t *testing.T) {
	t.Parallel()
	document := `{"topic":"player","eventType":"PLAYER_REGISTERED","user_id":"` + player + `","addedLater":{"a":1}}`
	for _, contentType := range []string{"", "application/json", "Application/JSON; charset=utf-8"} {
		m, err := usersv1event.DecodePlayerEvent(event.Event{ContentType: contentType, Data: []byte(document)})
		if err != nil || m.GetUserId() != player || m.GetEventType() != usersv1.PlayerEventType_PLAYER_REGISTERED {
			t.Errorf("%q: %v, %v", contentType, m, err)
		}
	}
	for name, row := range made(t) {
		want, err := row.read(row.event)
		if err != nil {
			t.Fatal(err)
		}
		got, err := row.read(event.Event{ContentType: event.ContentJSON, Data: []byte(jsonOf(t, want))})
		if err != nil || !proto.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, want)
		}
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ contentType, data, want string }{
		"nothing":              {"", "", "there is no data"},
		"white space":          {"application/json", " \n", "there is no data"},
		"no JSON":              {"", "hello", "decode loyalty.users.v1.PlayerEvent"},
		"no protobuf":          {"application/protobuf", "\xff\xff", "decode loyalty.users.v1.PlayerEvent"},
		"another content type": {"text/plain", "hello", `"text/plain" is not supported`},
		"no type":              {"", `{"user_id":"` + player + `"}`, "eventType is not specified"},
		"an empty type":        {"", `{"eventType":"","user_id":"` + player + `"}`, "eventType is not specified"},
		"a type of null":       {"", `{"eventType":null,"user_id":"` + player + `"}`, "eventType is not specified"},
		"no name of a type":    {"", `{"eventType":"eat the player!","user_id":"` + player + `"}`, "eventType is not specified"},
		"a type that is a list": {"", `{"eventType":["PLAYER_EATEN"],"user_id":"` + player + `"}`,
			"decode loyalty.users.v1.PlayerEvent"},
		"the unspecified type": {"", `{"eventType":"PLAYER_EVENT_TYPE_UNSPECIFIED","user_id":"` + player + `"}`,
			"eventType is not specified"},
		"the unspecified type's number": {"application/protobuf", "\x10\x00\x1a\x24" + player, "eventType is not specified"},
		"an unknown type without a key": {"", `{"eventType":"PLAYER_EATEN"}`, "user_id is missing"},
		"no key":                        {"", `{"eventType":"PLAYER_REGISTERED"}`, "user_id is missing"},
		"a key of another form":         {"", `{"eventType":"PLAYER_REGISTERED","user_id":"7"}`, "user_id is not a UUID"},
	} {
		called := false
		s := usersv1event.OnPlayerEvent("group", func(context.Context, event.Event, *usersv1.PlayerEvent) error {
			called = true
			return nil
		})
		err := s.Handler(t.Context(), event.Event{ContentType: tt.contentType, Data: []byte(tt.data)})
		if err == nil || !event.IsPermanent(err) || !strings.Contains(err.Error(), tt.want) || called {
			t.Errorf("%s: %v, want a permanent error with %q", name, err, tt.want)
		}
	}
}

// A kind of event that this release does not know reaches the handler, which passes over it.
func TestUnknownTypesReachTheHandler(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		contentType, data string
		want              usersv1.PlayerEventType
	}{
		"a number":             {"application/protobuf", "\x10\x63\x1a\x24" + player, 99},
		"a number in JSON":     {"", `{"eventType":99,"user_id":"` + player + `"}`, 99},
		"a name in JSON":       {"", `{"topic":"player","eventType":"PLAYER_EATEN","user_id":"` + player + `"}`, -1},
		"the field's own name": {"application/json", `{"event_type":"PLAYER_EATEN","user_id":"` + player + `"}`, -1},
	} {
		var got *usersv1.PlayerEvent
		s := usersv1event.OnPlayerEvent("group", func(_ context.Context, _ event.Event, m *usersv1.PlayerEvent) error {
			got = m
			return nil
		})
		err := s.Handler(t.Context(), event.Event{ContentType: tt.contentType, Data: []byte(tt.data)})
		if err != nil || got.GetEventType() != tt.want || got.GetUserId() != player || eventproto.Known(got.GetEventType()) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if !eventproto.Known(usersv1.PlayerEventType_PLAYER_ACTIVATED) {
		t.Error("a type of the schema is not known")
	}
}

func TestSubscription(t *testing.T) {
	t.Parallel()
	again := errors.New("again")
	var got *usersv1.PlayerEvent
	s := usersv1event.OnPlayerEvent("group", func(_ context.Context, e event.Event, m *usersv1.PlayerEvent) error {
		if e.ID != id.String() {
			t.Errorf("the event's id is %s", e.ID)
		}
		got = m
		return again
	})
	if s.Group != "group" || s.Topic != usersv1event.PlayersTopic {
		t.Errorf("%s reads %s", s.Group, s.Topic)
	}
	err := s.Handler(t.Context(), made(t)["player_registered"].event)
	if !errors.Is(err, again) || event.IsPermanent(err) || got.GetUserId() != player || got.GetTopic() != "player" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestIncompleteEventsAreNotMade(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]*usersv1.PlayerEvent{
		"eventType":             {UserId: player},
		"user_id is missing":    {EventType: usersv1.PlayerEventType_PLAYER_ACTIVATED},
		"user_id is not a UUID": {EventType: usersv1.PlayerEventType_PLAYER_ACTIVATED, UserId: "7"},
	} {
		if _, err := usersv1event.NewPlayerEvent(id, at, m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestTopics(t *testing.T) {
	t.Parallel()
	got := fmt.Sprint(usersv1event.Topics(), notificationsv1event.Topics())
	if want := "[{players 720h0m0s} {transactions 720h0m0s}] [{notifications 168h0m0s}]"; got != want {
		t.Errorf("got %s", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("", []byte(`{"eventType":"PLAYER_REGISTERED","user_id":"`+player+`"}`))
	f.Add("application/protobuf", []byte("\x10\x01\x1a\x24"+player))
	f.Add("", []byte(`{"eventType":"PLAYER_EATEN","user_id":"`+player+`"}`))
	f.Fuzz(func(t *testing.T, contentType string, data []byte) {
		m, err := usersv1event.DecodePlayerEvent(event.Event{ContentType: contentType, Data: data})
		if err != nil {
			if !event.IsPermanent(err) {
				t.Errorf("%v would be tried again", err)
			}
			return
		}
		if _, err := usersv1event.NewPlayerEvent(id, at, m); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}
