package rpcserver_test

import (
	"net/http"
	"strings"
	"testing"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func TestUpdate(t *testing.T) {
	s := start(t)
	one := promotions + "/" + thingID
	for name, tt := range map[string]struct{ query, body, fields, want string }{
		"the members of the body":   {"", `{"title":"A","isActive":false}`, "", `promotion:{title:"A" is_active:false} update_mask:{paths:"is_active" paths:"title"}`},
		"a text is emptied":         {"", `{"description":""}`, "", `promotion:{} update_mask:{paths:"description"}`},
		"an amount is normalised":   {"", `{"amount":"7.5"}`, "", `promotion:{amount:"7.50"} update_mask:{paths:"amount"}`},
		"nothing":                   {"", `{}`, "", `promotion:{} update_mask:{}`},
		"a mask":                    {"?update_mask=title", `{"title":"A","amount":"x","id":"y"}`, "", `promotion:{title:"A"} update_mask:{paths:"title"}`},
		"a mask of two":             {"?update_mask=title,endDate", `{"title":"A","endDate":"2026-01-01"}`, "", `promotion:{title:"A" end_date:"2026-01-01"} update_mask:{paths:"end_date" paths:"title"}`},
		"an empty mask is none":     {"?update_mask=", `{"title":"A"}`, "", `promotion:{title:"A"} update_mask:{paths:"title"}`},
		"masked, missing":           {"?update_mask=title,amount", `{"title":"A"}`, "amount", ""},
		"masked, unknown":           {"?update_mask=title,colour", `{"title":"A"}`, "update_mask", ""},
		"masked by its proto name":  {"?update_mask=end_date", `{"endDate":"2026-01-01"}`, "update_mask", ""},
		"the type":                  {"", `{"type":"BONUS"}`, "type", ""},
		"the type, masked":          {"?update_mask=type", `{"type":"BONUS"}`, "type", ""},
		"the id":                    {"", `{"id":"` + thingID + `"}`, "id", ""},
		"an empty title":            {"", `{"title":""}`, "title", ""},
		"an empty title by null":    {"", `{"title":null}`, "title", ""},
		"nothing for isActive":      {"", `{"isActive":null}`, "isActive", ""},
		"a long description":        {"", `{"description":"` + strings.Repeat("x", 2001) + `"}`, "description", ""},
		"a wrong day":               {"", `{"startDate":"tomorrow"}`, "startDate", ""},
		"an empty day":              {"", `{"startDate":""}`, "startDate", ""},
		"unknown members":           {"", `{"colour":1}`, "colour", ""},
		"unknown beside a mask":     {"?update_mask=title", `{"title":"A","colour":1}`, "colour", ""},
		"the same parameter thrice": {"?x=1&x=2&x=3", `{"title":"A"}`, "x", ""},
		"broken":                    {"", `{"title"`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, "PATCH "+one+tt.query, "staff", tt.body)
			if tt.want == "" {
				a.problem(t, http.StatusBadRequest, apperr.ValidationFailed)
				if got := a.fields(t); got != tt.fields {
					t.Errorf("the fields %q are refused, want %q: %s", got, tt.fields, a.body)
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

func TestQueries(t *testing.T) {
	s := start(t)
	for query, tt := range map[string]struct{ fields, want string }{
		"":                                      {"", ""},
		"?type=BONUS&is_active=false":           {"", `type:BONUS is_active:false`},
		"?available=true&title=%25&page_size=7": {"", `available:true title:"%" page_size:7`},
		"?from=2026-01-01&to=":                  {"", `from:"2026-01-01"`},
		"?page_size=0":                          {"", ""},
		"?page_size=1000":                       {"", "page_size:1000"},
		"?page_size=-1":                         {"page_size", ""},
		"?page_size=2147483648":                 {"page_size", ""},
		"?page_size=1.5":                        {"page_size", ""},
		"?page_size=":                           {"page_size", ""},
		"?page_size=+1":                         {"page_size", ""},
		"?page_size=%2B1":                       {"page_size", ""},
		"?pageSize=1":                           {"pageSize", ""},
		"?isActive=true":                        {"isActive", ""},
		"?is_active=1":                          {"is_active", ""},
		"?is_active=true&is_active=false":       {"is_active", ""},
		"?type=GIFT":                            {"type", ""},
		"?type=3":                               {"type", ""},
		"?type=":                                {"type", ""},
		"?type=PROMOTION_TYPE_UNSPECIFIED":      {"type", ""},
		"?from=yesterday":                       {"from", ""},
		"?colour=red&page_size=x":               {"colour page_size", ""},
		"?title=%ff":                            {"title", ""},
		"?title=a%00b":                          {"title", ""},
		"?%zz":                                  {"", "refused"},
		"?connect=v1":                           {"connect", ""},
		"?update_mask=title":                    {"update_mask", ""},
		"?page_token=" + strings.Repeat("x", 513): {"page_token", ""},
	} {
		t.Run(query, func(t *testing.T) {
			a := s.call(t, "GET "+promotions+query, "staff", "")
			if tt.fields == "" && tt.want != "refused" {
				if a.status != http.StatusOK {
					t.Fatalf("got %d %s", a.status, a.body)
				}
				same(t, s.last(), &promotionsv1.ListPromotionsRequest{}, tt.want)
				return
			}
			a.problem(t, http.StatusBadRequest, apperr.ValidationFailed)
			if got := a.fields(t); got != tt.fields {
				t.Errorf("the fields %q are refused, want %q: %s", got, tt.fields, a.body)
			}
		})
	}
}
