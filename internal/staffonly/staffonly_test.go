package staffonly_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/staffonly"
)

func promotion() *promotionsv1.Promotion {
	return &promotionsv1.Promotion{
		Title: "Spring", Limits: &promotionsv1.PromotionLimits{MaxClaims: 5}, Usage: &promotionsv1.PromotionUsage{},
	}
}

func TestClear(t *testing.T) {
	t.Parallel()
	want := &promotionsv1.Promotion{Title: "Spring"}
	for name, tt := range map[string]struct{ given, want proto.Message }{
		"message": {promotion(), want},
		"list": {
			&promotionsv1.ListPromotionsResponse{Promotions: []*promotionsv1.Promotion{promotion(), {}, promotion()}, Total: 3},
			&promotionsv1.ListPromotionsResponse{Promotions: []*promotionsv1.Promotion{want, {}, want}, Total: 3},
		},
		"message in a list": {
			&promotionsv1.ListPlayerPromotionsResponse{Assignments: []*promotionsv1.Assignment{{Promotion: promotion()}, {Amount: "1"}}},
			&promotionsv1.ListPlayerPromotionsResponse{Assignments: []*promotionsv1.Assignment{{Promotion: want}, {Amount: "1"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := tt.given.ProtoReflect()
			staffonly.Of(m.Descriptor()).Clear(m)
			if !proto.Equal(tt.given, tt.want) {
				t.Errorf("got %v, want %v", tt.given, tt.want)
			}
		})
	}
}

func TestMessagesWithoutSuchFields(t *testing.T) {
	t.Parallel()
	m := &usersv1.User{Email: "anna@example.com"}
	fields := staffonly.Of(m.ProtoReflect().Descriptor())
	if fields != nil {
		t.Errorf("got %+v, want nil", fields)
	}
	fields.Clear(m.ProtoReflect())
	if m.GetEmail() == "" {
		t.Error("the email is cleared")
	}
}
