package rpcserver_test

import (
	"net/http"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// An update changes the members of an embedded message that it contains.
func TestUpdateOfEmbeddedMessages(t *testing.T) {
	s := start(t)
	one := promotions + "/" + thingID
	const zeros = `{"maxClaims":0,"budget":"","maxClaimsPerDay":null}`
	for name, tt := range map[string]struct{ query, body, fields, want string }{
		"one member":              {"", `{"limits":{"maxClaims":5}}`, "", `promotion:{limits:{max_claims:5}} update_mask:{paths:"limits.max_claims"}`},
		"members and fields":      {"", `{"title":"A","limits":{"budget":"7.5","maxClaims":5}}`, "", `promotion:{title:"A" limits:{max_claims:5 budget:"7.50"}} update_mask:{paths:"limits.budget" paths:"limits.max_claims" paths:"title"}`},
		"empty values":            {"", `{"limits":` + zeros + `}`, "", `promotion:{limits:{}} update_mask:{paths:"limits.budget" paths:"limits.max_claims" paths:"limits.max_claims_per_day"}`},
		"no members":              {"", `{"limits":{}}`, "", `promotion:{} update_mask:{}`},
		"mask of a member":        {"?update_mask=limits.maxClaims", `{"title":"A","limits":{"maxClaims":5,"budget":"x"}}`, "", `promotion:{limits:{max_claims:5}} update_mask:{paths:"limits.max_claims"}`},
		"mask of all members":     {"?update_mask=limits", `{"limits":{"maxClaims":5}}`, "", `promotion:{limits:{max_claims:5}} update_mask:{paths:"limits"}`},
		"mask of all, no members": {"?update_mask=limits", `{"limits":{}}`, "", `promotion:{limits:{}} update_mask:{paths:"limits"}`},
		"mask of all and of one":  {"?update_mask=limits.budget,limits,limits.maxClaims", `{"limits":{"maxClaims":5,"budget":"1"}}`, "", `promotion:{limits:{max_claims:5 budget:"1.00"}} update_mask:{paths:"limits"}`},
		"mask of several members": {"?update_mask=limits.budget&update_mask=title,limits.budget,limits.claimWithinHours", `{"title":"A","limits":{"claimWithinHours":1,"budget":"1"}}`, "", `promotion:{title:"A" limits:{claim_within_hours:1 budget:"1.00"}} update_mask:{paths:"limits.budget" paths:"limits.claim_within_hours" paths:"title"}`},
		"null":                    {"", `{"limits":null}`, "limits", ""},
		"number":                  {"", `{"limits":5}`, "limits", ""},
		"unknown member":          {"", `{"limits":{"perWeek":5}}`, "limits.perWeek", ""},
		"negative member":         {"", `{"limits":{"maxClaims":-1}}`, "limits.maxClaims", ""},
		"member out of range":     {"", `{"limits":{"claimWithinHours":87601,"budget":"1000000000.01"}}`, "limits.budget limits.claimWithinHours", ""},
		"negative amount":         {"?update_mask=limits", `{"limits":{"budget":"-1"}}`, "limits.budget", ""},
		"fraction":                {"", `{"limits":{"maxClaims":1.5}}`, "limits.maxClaims", ""},
		"unmasked invalid member": {"?update_mask=limits.budget", `{"limits":{"budget":"1","maxClaims":-1}}`, "", `promotion:{limits:{budget:"1.00"}} update_mask:{paths:"limits.budget"}`},
		"masked member missing":   {"?update_mask=limits.maxClaims", `{"limits":{"budget":"1"}}`, "limits.maxClaims", ""},
		"masked message missing":  {"?update_mask=limits", `{"title":"A"}`, "limits", ""},
		"member of null":          {"?update_mask=limits.maxClaims", `{"limits":null}`, "limits.maxClaims", ""},
		"unknown member in mask":  {"?update_mask=limits.perWeek", `{"limits":{"budget":"1"}}`, "update_mask", ""},
		"proto name in mask":      {"?update_mask=limits.max_claims", `{"limits":{"maxClaims":1}}`, "update_mask", ""},
		"path of three names":     {"?update_mask=limits.budget.x", `{"limits":{"budget":"1"}}`, "update_mask", ""},
		"path with an empty name": {"?update_mask=limits.", `{"limits":{"budget":"1"}}`, "update_mask", ""},
		"member of a text":        {"?update_mask=title.x", `{"title":"A"}`, "update_mask", ""},
		"member of a timestamp":   {"?update_mask=createdAt.seconds", `{"title":"A"}`, "update_mask", ""},
		"read-only message":       {"", `{"usage":{"claimed":0}}`, "usage", ""},
		"read-only message, mask": {"?update_mask=usage.claimed", `{"usage":{"claimed":1}}`, "usage", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, "PATCH "+one+tt.query, "staff", tt.body)
			if tt.want == "" {
				a.problem(t, http.StatusBadRequest, apperr.ValidationFailed)
				if got := a.fields(t); got != tt.fields {
					t.Errorf("the violations are of %q, want %q: %s", got, tt.fields, a.body)
				}
				return
			}
			if a.status != http.StatusOK {
				t.Fatalf("got %d %s", a.status, a.body)
			}
			same(t, s.last(), &promotionsv1.UpdatePromotionRequest{}, `promotion_id:"`+thingID+`" `+tt.want)
		})
	}
}

// RPCs have the same masks, in proto names and in JSON names.
func TestUpdateOfEmbeddedMessagesOverRPC(t *testing.T) {
	s := start(t)
	c := promotionsv1connect.NewPromotionServiceClient(h2c(t), s.url, connect.WithGRPC(), connect.WithInterceptors(asStaff()))
	for name, tt := range map[string]struct {
		limits *promotionsv1.PromotionLimits
		mask   []string
		want   string
		fields string
	}{
		"member":             {&promotionsv1.PromotionLimits{MaxClaims: 5, Budget: "x"}, []string{"limits.max_claims"}, `promotion:{limits:{max_claims:5}} update_mask:{paths:"limits.max_claims"}`, ""},
		"absent member":      {nil, []string{"limits.max_claims"}, `promotion:{} update_mask:{paths:"limits.max_claims"}`, ""},
		"all members":        {&promotionsv1.PromotionLimits{Budget: "1"}, []string{"limits"}, `promotion:{limits:{budget:"1.00"}} update_mask:{paths:"limits"}`, ""},
		"no mask":            {&promotionsv1.PromotionLimits{Budget: "1"}, nil, `promotion:{limits:{budget:"1.00"}} update_mask:{paths:"limits.budget"}`, ""},
		"no message":         {nil, []string{"limits"}, "", "promotion.limits"},
		"unknown member":     {nil, []string{"limits.per_week"}, "", "update_mask"},
		"JSON name":          {nil, []string{"limits.maxClaims"}, "", "update_mask"},
		"invalid member":     {&promotionsv1.PromotionLimits{MaxClaims: -1}, []string{"limits.max_claims"}, "", "promotion.limits.maxClaims"},
		"invalid amount":     {&promotionsv1.PromotionLimits{Budget: "x"}, []string{"limits"}, "", "promotion.limits.budget"},
		"a read-only member": {nil, []string{"usage.spent"}, "", "promotion.usage"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &promotionsv1.UpdatePromotionRequest{PromotionId: thingID, Promotion: &promotionsv1.Promotion{Limits: tt.limits}}
			if tt.mask != nil {
				r.UpdateMask = &fieldmaskpb.FieldMask{Paths: tt.mask}
			}
			_, err := c.UpdatePromotion(t.Context(), connect.NewRequest(r))
			if tt.want == "" {
				refused(t, err, connect.CodeInvalidArgument, apperr.ValidationFailed, tt.fields)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			same(t, s.last(), &promotionsv1.UpdatePromotionRequest{}, `promotion_id:"`+thingID+`" `+tt.want)
		})
	}
	a := s.call(t, "POST "+procedure+"UpdatePromotion", "staff",
		`{"promotion_id":"`+thingID+`","promotion":{"limits":{"maxClaims":5,"budget":"1"}},"update_mask":"limits.maxClaims"}`)
	if a.status != http.StatusOK {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	same(t, s.last(), &promotionsv1.UpdatePromotionRequest{},
		`promotion_id:"`+thingID+`" promotion:{limits:{max_claims:5}} update_mask:{paths:"limits.max_claims"}`)
}
