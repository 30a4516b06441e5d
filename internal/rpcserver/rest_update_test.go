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
		"members of the body":                {"", `{"title":"A","isActive":false}`, "", `promotion:{title:"A" is_active:false} update_mask:{paths:"is_active" paths:"title"}`},
		"empty description":                  {"", `{"description":""}`, "", `promotion:{} update_mask:{paths:"description"}`},
		"normalized amount":                  {"", `{"amount":"7.5"}`, "", `promotion:{amount:"7.50"} update_mask:{paths:"amount"}`},
		"empty object":                       {"", `{}`, "", `promotion:{} update_mask:{}`},
		"mask":                               {"?update_mask=title", `{"title":"A","amount":"x","id":"y"}`, "", `promotion:{title:"A"} update_mask:{paths:"title"}`},
		"mask with two fields":               {"?update_mask=title,endDate", `{"title":"A","endDate":"2026-01-01"}`, "", `promotion:{title:"A" end_date:"2026-01-01"} update_mask:{paths:"end_date" paths:"title"}`},
		"empty mask":                         {"?update_mask=", `{"title":"A"}`, "", `promotion:{title:"A"} update_mask:{paths:"title"}`},
		"mask without value":                 {"?update_mask", `{"title":"A"}`, "", `promotion:{title:"A"} update_mask:{paths:"title"}`},
		"mask of commas":                     {"?update_mask=,&update_mask=,", `{"title":"A"}`, "", `promotion:{title:"A"} update_mask:{paths:"title"}`},
		"mask of spaces":                     {"?update_mask=+%20", `{"title":"A"}`, "", `promotion:{title:"A"} update_mask:{paths:"title"}`},
		"mask with trailing comma":           {"?update_mask=title,", `{"title":"A"}`, "update_mask", ""},
		"mask with double comma":             {"?update_mask=title,,amount", `{"title":"A","amount":"1"}`, "update_mask", ""},
		"two masks":                          {"?update_mask=title&update_mask=amount", `{"title":"A","amount":"1"}`, "", `promotion:{title:"A" amount:"1.00"} update_mask:{paths:"amount" paths:"title"}`},
		"empty body":                         {"", ``, "", `promotion:{} update_mask:{}`},
		"null":                               {"", `null`, "", `promotion:{} update_mask:{}`},
		"byte order mark":                    {"", "\ufeff{\"title\":\"A\"}", "", `promotion:{title:"A"} update_mask:{paths:"title"}`},
		"masked field missing":               {"?update_mask=title,amount", `{"title":"A"}`, "amount", ""},
		"mask with unknown field":            {"?update_mask=title,colour", `{"title":"A"}`, "update_mask", ""},
		"mask with proto name":               {"?update_mask=end_date", `{"endDate":"2026-01-01"}`, "update_mask", ""},
		"type":                               {"", `{"type":"BONUS"}`, "type", ""},
		"type in the mask":                   {"?update_mask=type", `{"type":"BONUS"}`, "type", ""},
		"id":                                 {"", `{"id":"` + thingID + `"}`, "id", ""},
		"empty title":                        {"", `{"title":""}`, "title", ""},
		"null title":                         {"", `{"title":null}`, "title", ""},
		"null isActive":                      {"", `{"isActive":null}`, "isActive", ""},
		"long description":                   {"", `{"description":"` + strings.Repeat("x", 2001) + `"}`, "description", ""},
		"invalid date":                       {"", `{"startDate":"tomorrow"}`, "startDate", ""},
		"empty date":                         {"", `{"startDate":""}`, "startDate", ""},
		"unknown member":                     {"", `{"colour":1}`, "colour", ""},
		"unknown member outside of the mask": {"?update_mask=title", `{"title":"A","colour":1}`, "colour", ""},
		"unknown parameter, three times":     {"?x=1&x=2&x=3", `{"title":"A"}`, "x", ""},
		"incomplete JSON":                    {"", `{"title"`, "", ""},
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

func TestQueries(t *testing.T) {
	s := start(t)
	for query, tt := range map[string]struct{ fields, want string }{
		"":                                       {"", ""},
		"?type=BONUS&is_active=false":            {"", `type:BONUS is_active:false`},
		"?available=true&title=%25&page_size=7":  {"", `available:true title:"%" page_size:7`},
		"?from=2026-01-01&to=":                   {"", `from:"2026-01-01"`},
		"?page_size=0":                           {"", ""},
		"?page_size=1000":                        {"", "page_size:1000"},
		"?page_size=-1":                          {"page_size", ""},
		"?page_size=2147483647":                  {"", "page_size:2147483647"},
		"?page_size=2147483648":                  {"", "page_size:2147483647"},
		"?page_size=99999999999":                 {"", "page_size:2147483647"},
		"?page_size=9223372036854775808":         {"", "page_size:2147483647"},
		"?page_size=" + strings.Repeat("9", 400): {"", "page_size:2147483647"},
		"?page_size=-2147483649":                 {"page_size", ""},
		"?page_size=-9223372036854775809":        {"page_size", ""},
		"?page_size=00099999999999":              {"page_size", ""},
		"?page_size=-0":                          {"page_size", ""},
		"?page_size=99999999999x":                {"page_size", ""},
		"?page_size=1e9":                         {"page_size", ""},
		"?title=Spin;Win":                        {"", `title:"Spin;Win"`},
		"?title=a;b&page_size=7;":                {"page_size", ""},
		"?title=;":                               {"", `title:";"`},
		"?;title=a":                              {";title", ""},
		"?title=Spin%3BWin":                      {"", `title:"Spin;Win"`},
		"?title=Spin+Win":                        {"", `title:"Spin Win"`},
		"?title=Spin%20Win":                      {"", `title:"Spin Win"`},
		"?title=Spin%2BWin":                      {"", `title:"Spin+Win"`},
		"?title=50%":                             {"", `title:"50%"`},
		"?title=50%25":                           {"", `title:"50%"`},
		"?title=50%-100%":                        {"", `title:"50%-100%"`},
		"?title=%zz":                             {"", `title:"%zz"`},
		"?title=%4":                              {"", `title:"%4"`},
		"?title=%2525":                           {"", `title:"%25"`},
		"?title=%c3%bc":                          {"", `title:"ü"`},
		"?title=\u00fc":                          {"", `title:"ü"`},
		"?title=\xff":                            {"title", ""},
		"?title=a=b==":                           {"", `title:"a=b=="`},
		"?title=a?b/c:d@e":                       {"", `title:"a?b/c:d@e"`},
		"?title=\"'<>[]{}|^`":                    {"", "title:\"\\\"'<>[]{}|^`\""},
		"?t%69tle=a":                             {"", `title:"a"`},
		"?title":                                 {"", ""},
		"?&&title=a&&":                           {"", `title:"a"`},
		"?=&title=a":                             {"", `title:"a"`},
		"?=x":                                    {"", "refused"},
		"?page_size=1.5":                         {"page_size", ""},
		"?page_size=":                            {"page_size", ""},
		"?page_size=+1":                          {"page_size", ""},
		"?page_size=%2B1":                        {"page_size", ""},
		"?pageSize=1":                            {"pageSize", ""},
		"?isActive=true":                         {"isActive", ""},
		"?is_active=1":                           {"is_active", ""},
		"?is_active=true&is_active=false":        {"is_active", ""},
		"?type=GIFT":                             {"type", ""},
		"?type=3":                                {"type", ""},
		"?type=":                                 {"type", ""},
		"?type=PROMOTION_TYPE_UNSPECIFIED":       {"type", ""},
		"?from=yesterday":                        {"from", ""},
		"?colour=red&page_size=x":                {"colour page_size", ""},
		"?title=%ff":                             {"title", ""},
		"?title=a%00b":                           {"title", ""},
		"?%zz":                                   {"%zz", ""},
		"?connect=v1":                            {"connect", ""},
		"?update_mask=title":                     {"update_mask", ""},
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
				t.Errorf("the violations are of %q, want %q: %s", got, tt.fields, a.body)
			}
		})
	}
}

func TestMergePatch(t *testing.T) {
	s := start(t)
	line := "PATCH " + promotions + "/" + thingID
	for media, supported := range map[string]bool{
		"application/merge-patch+json":                   true,
		"application/merge-patch+json; charset=utf-8":    true,
		`application/merge-patch+json;charset="UTF-8"`:   true,
		"Application/Merge-Patch+JSON":                   true,
		"application/json":                               true,
		"application/json; charset=utf8":                 true,
		"application/merge-patch+json; charset=latin1":   false,
		"application/json-patch+json":                    false,
		"application/merge-patch":                        false,
		"application/x-www-form-urlencoded":              false,
		"text/json":                                      false,
		"application/merge-patch+json, application/json": false,
	} {
		a := s.call(t, line, "staff", `{"title":"A","description":null}`, "Content-Type: "+media)
		if supported {
			if a.status != http.StatusOK {
				t.Errorf("%s: got %d %s", media, a.status, a.body)
				continue
			}
			same(t, s.last(), &promotionsv1.UpdatePromotionRequest{},
				`promotion_id:"`+thingID+`" promotion:{title:"A"} update_mask:{paths:"description" paths:"title"}`)
			continue
		}
		a.problem(t, http.StatusUnsupportedMediaType, apperr.UnsupportedMediaType)
		hint, _ := a.object(t)["detail"].(string)
		for _, want := range []string{"application/merge-patch+json", "application/json"} {
			if !strings.Contains(hint, want) || !strings.Contains(a.header.Get("Accept-Patch"), want) {
				t.Errorf("%s: detail %q and Accept-Patch %q do not name %s", media, hint, a.header.Get("Accept-Patch"), want)
			}
		}
	}
	a := s.call(t, "POST "+promotions, "staff", complete, "Content-Type: application/merge-patch+json")
	a.problem(t, http.StatusUnsupportedMediaType, apperr.UnsupportedMediaType)
	if got := a.header.Get("Accept-Post"); got != "application/json" || a.header.Get("Accept-Patch") != "" {
		t.Errorf("Accept-Post is %q, Accept-Patch %q", got, a.header.Get("Accept-Patch"))
	}
}
