package consumer_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/schema/registry"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/consumer"
)

// fakeStore collects entries.
type fakeStore struct {
	users.Store
	added []users.AuditEntry
}

func (s *fakeStore) AddAuditEntry(_ context.Context, e users.AuditEntry) error {
	s.added = append(s.added, e)
	return nil
}

// handle handles an event with an entry that change has changed.
func handle(t *testing.T, change func(*usersv1.AuditEvent)) (added []users.AuditEntry, entry *usersv1.AuditEntry, err error) {
	t.Helper()
	store := &fakeStore{}
	service, err := users.New(users.Dependencies{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	after, err := structpb.NewStruct(map[string]any{"title": "x"})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().UTC().Truncate(time.Microsecond)
	m := &usersv1.AuditEvent{
		EventType: usersv1.AuditEventType_ACT_RECORDED, Actor: uuid.NewString(),
		Entry: &usersv1.AuditEntry{
			Id: uuid.Must(uuid.NewV7()).String(), At: timestamppb.New(at), Service: "promotions", Actor: uuid.NewString(),
			Action: optionsv1.AuditAction_CREATE_PROMOTION, Target: uuid.NewString(), Address: "192.0.2.1",
			Session: uuid.NewString(), Outcome: "OK", After: after,
		},
	}
	change(m)
	e, err := usersv1event.NewAuditEvent(uuid.New(), at, m)
	if err != nil {
		t.Fatal(err)
	}
	err = consumer.Audit(service).Handler(t.Context(), e)
	return store.added, m.GetEntry(), err
}

func TestAudit(t *testing.T) {
	added, entry, err := handle(t, func(*usersv1.AuditEvent) {})
	want := []users.AuditEntry{{
		ID: uuid.MustParse(entry.GetId()), At: entry.GetAt().AsTime(), Service: "promotions", Actor: uuid.MustParse(entry.GetActor()),
		Action: users.AuditActionCreatePromotion, Target: uuid.MustParse(entry.GetTarget()), Address: "192.0.2.1",
		Session: uuid.MustParse(entry.GetSession()), Outcome: "OK", Before: map[string]any{}, After: map[string]any{"title": "x"},
		LongTerm: true,
	}}
	if err != nil || !reflect.DeepEqual(added, want) {
		t.Errorf("added %+v, %v, want %+v", added, err, want)
	}
}

func TestAuditIgnoresUnknownTypes(t *testing.T) {
	added, _, err := handle(t, func(m *usersv1.AuditEvent) { m.EventType = 99 })
	if err != nil || len(added) > 0 {
		t.Errorf("added %v, %v, want nothing", added, err)
	}
}

// TestUnknownActionsBecomeDeadLetters checks that an entry with an action of a newer release does not block the trail.
func TestUnknownActionsBecomeDeadLetters(t *testing.T) {
	for _, action := range []optionsv1.AuditAction{9999, -1} {
		added, _, err := handle(t, func(m *usersv1.AuditEvent) { m.Entry.Action = action })
		if !event.IsPermanent(err) || !strings.Contains(err.Error(), "replay it after the upgrade of users") || len(added) > 0 {
			t.Errorf("%d: added %v, %v, want a permanent error that says when to replay", action, added, err)
		}
	}
}

// TestActsOfUsersAreRefused sends an entry with each action that a method of users records, and those of the operators'
// commands.
func TestActsOfUsersAreRefused(t *testing.T) {
	own := []optionsv1.AuditAction{optionsv1.AuditAction_CREATE_ADMIN, optionsv1.AuditAction_RESET_ADMIN}
	for _, method := range registry.Methods("loyalty.users.v1") {
		if action, ok := registry.Audited(method); ok {
			own = append(own, action)
		}
	}
	if !slices.Contains(own, optionsv1.AuditAction_RESTRICT_PLAYER) || !slices.Contains(own, optionsv1.AuditAction_LIFT_RESTRICTION) {
		t.Errorf("got the actions %v, want those of restrictions, too", own)
	}
	for _, action := range own {
		added, _, err := handle(t, func(m *usersv1.AuditEvent) { m.Entry.Action = action })
		if !event.IsPermanent(err) || len(added) > 0 {
			t.Errorf("%s: added %v, %v, want a permanent error", action, added, err)
		}
	}
}

func TestAuditRefusesUnusableEntries(t *testing.T) {
	for name, change := range map[string]func(*usersv1.AuditEvent){
		"no entry":               func(m *usersv1.AuditEvent) { m.Entry = nil },
		"no action":              func(m *usersv1.AuditEvent) { m.Entry.Action = 0 },
		"malformed id":           func(m *usersv1.AuditEvent) { m.Entry.Id = "x" },
		"an id without a time":   func(m *usersv1.AuditEvent) { m.Entry.Id = uuid.NewString() },
		"the id of another time": func(m *usersv1.AuditEvent) { m.Entry.At = timestamppb.New(time.Now().Add(-time.Hour)) },
		"an act in the future": func(m *usersv1.AuditEvent) {
			m.Entry.Id, m.Entry.At = "0fffffff-ffff-7000-8000-000000000000", timestamppb.New(time.UnixMilli(0x0fffffffffff))
		},
		"no time":                            func(m *usersv1.AuditEvent) { m.Entry.At = nil },
		"no actor":                           func(m *usersv1.AuditEvent) { m.Entry.Actor = "" },
		"an entry of users":                  func(m *usersv1.AuditEvent) { m.Entry.Service = "users" },
		"an entry of no service":             func(m *usersv1.AuditEvent) { m.Entry.Service = "" },
		"an unknown service":                 func(m *usersv1.AuditEvent) { m.Entry.Service = "evil" },
		"a deactivation":                     func(m *usersv1.AuditEvent) { m.Entry.Action = optionsv1.AuditAction_DEACTIVATE_USER },
		"a login":                            func(m *usersv1.AuditEvent) { m.Entry.Action = optionsv1.AuditAction_LOGIN },
		"a refresh":                          func(m *usersv1.AuditEvent) { m.Entry.Action = optionsv1.AuditAction_REFRESH },
		"a new admin":                        func(m *usersv1.AuditEvent) { m.Entry.Action = optionsv1.AuditAction_CREATE_ADMIN },
		"an address with an escape sequence": func(m *usersv1.AuditEvent) { m.Entry.Address = "\x1b[2J" },
		"an unknown outcome":                 func(m *usersv1.AuditEvent) { m.Entry.Outcome = "\x1b[31mOK" },
		"a large state": func(m *usersv1.AuditEvent) {
			m.Entry.After = &structpb.Struct{Fields: map[string]*structpb.Value{"a": structpb.NewStringValue(strings.Repeat("x", 17<<10))}}
		},
	} {
		if added, _, err := handle(t, change); !event.IsPermanent(err) || len(added) > 0 {
			t.Errorf("%s: added %v, %v, want a permanent error", name, added, err)
		}
	}
}
