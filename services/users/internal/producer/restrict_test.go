package producer_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/producer"
)

func TestRestrictionsChanged(t *testing.T) {
	t.Parallel()
	until := changedAt.Add(time.Second)
	lifted := optOut()
	lifted.EndedAt = changedAt
	abuse := users.Restriction{ID: uuid.New(), Kind: users.RestrictionKindBonusAbuse, Until: until}
	for name, tt := range map[string]struct {
		restrictions []users.Restriction
		wantType     usersv1.PlayerEventType
		want         []*usersv1.PlayerRestriction
	}{
		"two restrictions": {[]users.Restriction{abuse, optOut(), expired(), lifted}, usersv1.PlayerEventType_PLAYER_RESTRICTED, []*usersv1.PlayerRestriction{
			{Kind: usersv1.RestrictionKind_BONUS_ABUSE, Until: timestamppb.New(until)},
			{Kind: usersv1.RestrictionKind_MARKETING_OPT_OUT, ByPlayer: true},
		}},
		"none in force": {[]users.Restriction{expired(), lifted}, usersv1.PlayerEventType_PLAYER_UNRESTRICTED, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := users.User{ID: uuid.New(), Role: authn.RolePlayer, IsActive: true, StatusVersion: 7}
			events, err := producer.RestrictionsChanged(u, tt.restrictions, changedAt)
			if err != nil || len(events) != 1 {
				t.Fatalf("got %d events, %v, want 1", len(events), err)
			}
			m, err := usersv1event.DecodePlayerEvent(events[0])
			if err != nil {
				t.Fatal(err)
			}
			want := &usersv1.PlayerEvent{
				Topic: "player", EventType: tt.wantType, UserId: u.ID.String(), StatusVersion: 7,
				Status: &usersv1.PlayerStatus{IsActive: true, Restrictions: tt.want},
			}
			if !proto.Equal(m, want) {
				t.Errorf("got payload %v, want %v", m, want)
			}
		})
	}
}
