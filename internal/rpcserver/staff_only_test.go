package rpcserver_test

import (
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
)

// claim is the line of a claim, which is a call with a stored answer.
const claim = "POST /api/v1/promotions/claim"

// Answers to employees have the fields with the option staff_only, and answers to players do not.
func TestStaffOnlyFields(t *testing.T) {
	t.Parallel()
	s := startKeyed(t)
	list := "GET " + promotions + "/players/" + playerID
	for name, tt := range map[string]struct {
		line, caller, body, key string
		shown                   bool
	}{
		"staff":                    {list, "staff", "", "", true},
		"admin":                    {list, "admin", "", "", true},
		"player":                   {list, "player", "", "", false},
		"player, Connect":          {"POST " + procedure + "ListPlayerPromotions", "player", `{"player_id":"` + playerID + `"}`, "", false},
		"player, without key":      {claim, "player", `{"promotion_id":"` + thingID + `"}`, "", false},
		"player, with key":         {claim, "player", `{"promotion_id":"` + thingID + `"}`, "Idempotency-Key: k", false},
		"player, with another key": {claim, "player", `{"promotion_id":"` + thingID + `"}`, "Idempotency-Key: l", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, time := range []string{"first", "second"} { // the second answer to a call with a key is stored
				var header []string
				if tt.key != "" {
					header = append(header, tt.key)
				}
				a := s.call(t, tt.line, tt.caller, tt.body, header...)
				if a.status != http.StatusOK || !strings.Contains(a.body, `"title":"Spring"`) {
					t.Fatalf("%s: got %d %s", time, a.status, a.body)
				}
				for _, member := range []string{`"limits":{`, `"usage":{`} {
					if strings.Contains(a.body, member) != tt.shown {
						t.Errorf("%s: got %s, want %s in it: %t", time, a.body, member, tt.shown)
					}
				}
			}
		})
	}
	c := promotionsv1connect.NewPromotionServiceClient(h2c(t), s.url, connect.WithGRPC())
	r := connect.NewRequest(&promotionsv1.ListPlayerPromotionsRequest{PlayerId: playerID})
	r.Header().Set("Authorization", "Bearer player")
	res, err := c.ListPlayerPromotions(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if p := res.Msg.GetAssignments()[1].GetPromotion(); p.GetLimits() != nil || p.GetUsage() != nil || p.GetTitle() != "Spring" {
		t.Errorf("gRPC: got %v, want no limits and no usage", p)
	}
}
