package producer_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/producer"
)

var (
	registeredAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	changedAt    = registeredAt.Add(time.Hour)
)

// statusChanged builds the event of a status change at changedAt.
func statusChanged(u users.User) ([]event.Event, error) {
	return producer.StatusChanged(u, []users.Restriction{optOut(), expired()}, changedAt)
}

// optOut returns a restriction without an end.
func optOut() users.Restriction {
	return users.Restriction{ID: uuid.New(), Kind: users.RestrictionKindMarketingOptOut, ByPlayer: true}
}

// expired returns a restriction that has expired at changedAt.
func expired() users.Restriction {
	return users.Restriction{ID: uuid.New(), Kind: users.RestrictionKindCoolOff, Until: changedAt}
}

// status returns the status in the event of a player who has the restriction of optOut.
func status(active bool) *usersv1.PlayerStatus {
	return &usersv1.PlayerStatus{IsActive: active, Restrictions: []*usersv1.PlayerRestriction{
		{Kind: usersv1.RestrictionKind_MARKETING_OPT_OUT, ByPlayer: true},
	}}
}

func TestPlayerEvents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		build    func(users.User) ([]event.Event, error)
		active   bool
		version  int64
		wantType usersv1.PlayerEventType
		wantTime time.Time
	}{
		"registered":  {producer.Registered, true, 0, usersv1.PlayerEventType_PLAYER_REGISTERED, registeredAt},
		"deactivated": {statusChanged, false, 1, usersv1.PlayerEventType_PLAYER_DEACTIVATED, changedAt},
		"activated":   {statusChanged, true, 2, usersv1.PlayerEventType_PLAYER_ACTIVATED, changedAt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := users.User{
				ID: uuid.Must(uuid.NewV7()), Role: authn.RolePlayer, IsActive: tt.active, StatusVersion: tt.version, CreatedAt: registeredAt,
			}
			events, err := tt.build(u)
			if err != nil || len(events) != 1 {
				t.Fatalf("got %d events, %v, want 1", len(events), err)
			}
			e := events[0]
			if e.Topic != usersv1event.PlayersTopic || e.Key != u.ID.String() || !e.Time.Equal(tt.wantTime) ||
				e.Source != "/loyalty/users" || e.Type != "loyalty.users.v1."+tt.wantType.String() {
				t.Errorf("got topic %s, key %s, time %s, source %s, type %s", e.Topic, e.Key, e.Time, e.Source, e.Type)
			}
			if id, err := uuid.Parse(e.ID); err != nil || id.Version() != 7 {
				t.Errorf("got event id %q, want a UUIDv7", e.ID)
			}
			if registered := tt.wantType == usersv1.PlayerEventType_PLAYER_REGISTERED; (e.ID == u.ID.String()) != registered {
				t.Errorf("got event id %s of player %s, want the id of the player only for the registration", e.ID, u.ID)
			}
			m, err := usersv1event.DecodePlayerEvent(e)
			if err != nil {
				t.Fatal(err)
			}
			want := &usersv1.PlayerEvent{
				Topic: "player", EventType: tt.wantType, UserId: u.ID.String(), StatusVersion: int32(tt.version),
			}
			if tt.wantType != usersv1.PlayerEventType_PLAYER_REGISTERED {
				want.Status = status(tt.active)
			}
			if !proto.Equal(m, want) {
				t.Errorf("got payload %v, want %v", m, want)
			}
		})
	}
}

func TestPlayerEventsHaveDistinctIDs(t *testing.T) {
	t.Parallel()
	u := users.User{ID: uuid.New(), Role: authn.RolePlayer}
	first, err := statusChanged(u)
	if err != nil {
		t.Fatal(err)
	}
	second, err := statusChanged(u)
	if err != nil {
		t.Fatal(err)
	}
	if first[0].ID == second[0].ID {
		t.Errorf("both events have the id %s, want distinct ids", first[0].ID)
	}
}

func TestOtherRolesHaveNoPlayerEvents(t *testing.T) {
	t.Parallel()
	for _, role := range []authn.Role{authn.RoleStaff, authn.RoleAdmin} {
		for name, build := range map[string]func(users.User) ([]event.Event, error){
			"registered": producer.Registered, "status changed": statusChanged,
		} {
			events, err := build(users.User{ID: uuid.New(), Role: role, IsActive: true, CreatedAt: registeredAt})
			if err != nil || len(events) != 0 {
				t.Errorf("%s, %s: got %v, %v, want no events", role, name, events, err)
			}
		}
	}
}
