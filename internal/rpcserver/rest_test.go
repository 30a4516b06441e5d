package rpcserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
)

const (
	promotions = "/api/v1/promotions"
	complete   = `{"title":"Spring","type":"BONUS","amount":"20","startDate":"2026-03-01","endDate":"2026-03-31"}`
)

func TestCreateOverREST(t *testing.T) {
	s := start(t)
	a := s.call(t, "POST "+promotions, "staff", complete)
	if a.status != http.StatusCreated || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %v %s", a.status, a.header, a.body)
	}
	p := a.object(t)
	for member, want := range map[string]any{
		"id": "", "title": "Spring", "description": "", "type": "BONUS", "amount": "20.00",
		"startDate": "2026-03-01", "endDate": "2026-03-31",
	} {
		if got, ok := p[member]; !ok || got != want {
			t.Errorf("%s is %v, want %v, in %s", member, got, want, a.body)
		}
	}
	if got, ok := p["isActive"]; ok {
		t.Errorf("isActive is %v, want no such member", got)
	}
	if got := s.last().(*promotionsv1.CreatePromotionRequest).GetPromotion().GetAmount(); got != "20.00" {
		t.Errorf("the use case got the amount %q, want 20.00", got)
	}
	if id := a.header.Get("X-Request-Id"); len(id) < 8 {
		t.Errorf("X-Request-Id is %q, want at least 8 characters", id)
	}
	if got := a.header.Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" {
		t.Errorf("Cache-Control is %q, want no-store", got)
	}
}

// TestInvalidBodies sends invalid bodies of a new promotion and checks the fields of the violations.
func TestInvalidBodies(t *testing.T) {
	s := start(t)
	with := func(member, value string) string {
		return `{"` + member + `":` + value + `,` + complete[1:]
	}
	replaced := func(old, by string) string { return strings.Replace(complete, old, by, 1) }
	for name, tt := range map[string]struct{ body, fields string }{
		"empty body":                     {``, "title type amount startDate endDate"},
		"empty object":                   {`{}`, "title type amount startDate endDate"},
		"title of spaces":                {replaced("Spring", "   "), "title"},
		"title with line break":          {replaced("Spring", `Spr\ning`), "title"},
		"title with paragraph separator": {replaced("Spring", `Spr\u2029ing`), "title"},
		"invisible title":                {replaced("Spring", "\u200b"), "title"},
		"title of 201 characters":        {replaced("Spring", strings.Repeat("ä", 201)), "title"},
		"unknown member":                 {with("colour", `"red"`), "colour"},
		"proto name":                     {with("is_active", "true"), "is_active"},
		"duplicate member":               {with("title", `"Summer"`), "title"},
		"very long unknown member":       {with(strings.Repeat("x", 500), "1"), strings.Repeat("x", 64) + "…"},
		"read-only field":                {with("id", `"`+thingID+`"`), "id"},
		"read-only timestamp":            {with("createdAt", `"2026-03-01T00:00:00Z"`), "createdAt"},
		"number for a string":            {replaced(`"20"`, "20"), "amount"},
		"object for a string":            {replaced(`"20"`, `{"a":[1,{}]}`), "amount"},
		"null for a required field":      {replaced(`"20"`, "null"), "amount"},
		"string for a bool":              {with("isActive", `"true"`), "isActive"},
		"unknown type":                   {replaced("BONUS", "GIFT"), "type"},
		"unspecified type":               {replaced("BONUS", "PROMOTION_TYPE_UNSPECIFIED"), "type"},
		"number for the type":            {replaced(`"BONUS"`, "3"), "type"},
		"negative amount":                {replaced("20", "-20"), "amount"},
		"three decimal places":           {replaced("20", "20.001"), "amount"},
		"amount with exponent":           {replaced("20", "2e1"), "amount"},
		"NaN":                            {replaced("20", "NaN"), "amount"},
		"zero amount":                    {replaced("20", "0.00"), "amount"},
		"amount above the maximum":       {replaced("20", "1000000000.01"), "amount"},
		"nonexistent date":               {replaced("2026-03-31", "2026-02-30"), "endDate"},
		"timestamp for a date":           {replaced("2026-03-31", "2026-03-31T00:00:00Z"), "endDate"},
		"control character":              {replaced("Spring", `Spr\u0000ing`), "title"},
		"terminal escape sequence":       {replaced("Spring", `\u001b[31mSpring`), "title"},
		"direction override":             {replaced("Spring", `Spr\u202eing`), "title"},
		"several violations":             {`{"title":"","amount":"x","colour":1}`, "colour title type amount startDate endDate"},
		"incomplete JSON":                {`{"title":`, ""},
		"null":                           {`null`, "title type amount startDate endDate"},
		"UTF-16":                         {"\xff\xfe{\x00}\x00", ""},
		"list":                           {`[]`, ""},
		"string":                         {`"x"`, ""},
		"two values":                     {complete + complete, ""},
		"trailing comma":                 {`{"title":"x",}`, ""},
		"invalid UTF-8":                  {replaced("Spring", "\xff"), ""},
		"unclosed brackets":              {`{"title":` + strings.Repeat("[", 20000), ""},
		"deeply nested brackets":         {with("x", strings.Repeat("[", 9000)+strings.Repeat("]", 9000)), "x"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, "POST "+promotions, "staff", tt.body, "Content-Type: application/json")
			a.problem(t, http.StatusBadRequest, apperr.ValidationFailed)
			if got := a.fields(t); got != tt.fields {
				t.Errorf("the violations are of %q, want %q: %s", got, tt.fields, a.body)
			}
			if m := s.last(); m != nil {
				t.Errorf("the use case was called with %v", m)
			}
		})
	}
}

func TestAcceptedBodies(t *testing.T) {
	s := start(t)
	for name, tt := range map[string]struct{ body, want string }{
		"spaces around the title": {
			strings.Replace(complete, "Spring", `  Spring\t`, 1),
			`title:"Spring" type:BONUS amount:"20.00" start_date:"2026-03-01" end_date:"2026-03-31"`,
		},
		"title in NFD": {
			strings.Replace(complete, "Spring", `Fru\u0308hling`, 1),
			`title:"Frühling" type:BONUS amount:"20.00" start_date:"2026-03-01" end_date:"2026-03-31"`,
		},
		"markup in the title": {
			strings.Replace(complete, "Spring", `<b>'; DROP TABLE x--`, 1),
			`title:"<b>'; DROP TABLE x--" type:BONUS amount:"20.00" start_date:"2026-03-01" end_date:"2026-03-31"`,
		},
		"null members": {
			`{"description":null,"isActive":null,` + complete[1:],
			`title:"Spring" type:BONUS amount:"20.00" start_date:"2026-03-01" end_date:"2026-03-31"`,
		},
		"false member": {
			`{"isActive":false,` + complete[1:],
			`title:"Spring" is_active:false type:BONUS amount:"20.00" start_date:"2026-03-01" end_date:"2026-03-31"`,
		},
		"end before start, which the domain checks": {
			strings.Replace(complete, "2026-03-31", "2020-01-01", 1),
			`title:"Spring" type:BONUS amount:"20.00" start_date:"2026-03-01" end_date:"2020-01-01"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if a := s.call(t, "POST "+promotions, "staff", tt.body); a.status != http.StatusCreated {
				t.Fatalf("got %d %s", a.status, a.body)
			}
			same(t, s.last(), &promotionsv1.CreatePromotionRequest{}, "promotion:{"+tt.want+"}")
		})
	}
}

func TestViolationsInListsHaveIndexes(t *testing.T) {
	s := start(t)
	a := s.call(t, "POST "+promotions+"/"+thingID+"/assign", "staff",
		`{"player_ids":["`+playerID+`","x","`+otherID+`",null,7]}`)
	a.problem(t, http.StatusBadRequest, apperr.ValidationFailed)
	if got := a.fields(t); got != "player_ids[3] player_ids[4] player_ids[1]" {
		t.Errorf("the violations are of %q, want fields 3, 4 and 1 of player_ids: %s", got, a.body)
	}
}

func TestPathParameters(t *testing.T) {
	s := start(t)
	a := s.call(t, "GET "+promotions+"/7", "staff", "")
	a.problem(t, http.StatusBadRequest, apperr.ValidationFailed)
	if got := a.fields(t); got != "promotion_id" {
		t.Errorf("the violations are of %q, want promotion_id", got)
	}
	if a := s.call(t, "HEAD "+promotions+"/"+thingID, "staff", ""); a.status != http.StatusOK || a.body != "" {
		t.Errorf("HEAD: got %d %q, want 200 without a body", a.status, a.body)
	}
	body := fmt.Sprintf(`{"promotion_id":%q,"player_ids":[%q]}`, otherID, playerID)
	if a := s.call(t, "POST "+promotions+"/"+thingID+"/assign", "staff", body); a.status != http.StatusOK {
		t.Fatalf("got %d %s, want 200", a.status, a.body)
	}
	same(t, s.last(), &promotionsv1.AssignRequest{}, fmt.Sprintf("promotion_id:%q player_ids:%q", thingID, playerID))
}

func TestRoutesAndMedia(t *testing.T) {
	s := start(t)
	for name, tt := range map[string]struct {
		line, body string
		header     string
		status     int
		code       apperr.Code
	}{
		"unknown route":               {line: "GET /api/v1/nothing", status: 404, code: apperr.NotFound},
		"unknown root":                {line: "GET /", status: 404, code: apperr.NotFound},
		"trailing slash":              {line: "GET " + promotions + "/", status: 404, code: apperr.NotFound},
		"doubled slash":               {line: "GET /api//v1/promotions", status: 404, code: apperr.NotFound},
		"dots":                        {line: "GET /api/v1/x/../promotions", status: 404, code: apperr.NotFound},
		"escaped slash in an id":      {line: "GET " + promotions + "/players%2F" + playerID, status: 400, code: apperr.ValidationFailed},
		"escaped double slash":        {line: "GET " + promotions + "/a%2F%2Fb", status: 400, code: apperr.ValidationFailed},
		"id in braces":                {line: "GET " + promotions + "/%7Bid%7D", status: 400, code: apperr.ValidationFailed},
		"id after a colon":            {line: "GET " + promotions + "/:id", status: 400, code: apperr.ValidationFailed},
		"id before a colon":           {line: "GET " + promotions + "/" + thingID + ":", status: 400, code: apperr.ValidationFailed},
		"id with a custom verb":       {line: "GET " + promotions + "/" + thingID + ":claim", status: 400, code: apperr.ValidationFailed},
		"id with an unescaped mark":   {line: "GET " + promotions + "/id!", status: 400, code: apperr.ValidationFailed},
		"id with an escaped percent":  {line: "GET " + promotions + "/%25", status: 400, code: apperr.ValidationFailed},
		"id with a zero byte":         {line: "GET " + promotions + "/%00", status: 400, code: apperr.ValidationFailed},
		"id that is not UTF-8":        {line: "GET " + promotions + "/%FF", status: 400, code: apperr.ValidationFailed},
		"id with escaped dots":        {line: "GET " + promotions + "/%2e%2e", status: 400, code: apperr.ValidationFailed},
		"escaped letter of an action": {line: "GET " + promotions + "/%63laim", status: 405, code: apperr.MethodNotAllowed},
		"escaped slash in the prefix": {line: "POST " + promotions[:len("/api/v1")] + "%2Fpromotions", status: 404, code: apperr.NotFound},
		"escaped slash, PUT":          {line: "PUT " + promotions + "%2Fclaim", status: 404, code: apperr.NotFound},
		"internal procedure":          {line: "POST /loyalty.users.v1.LedgerService/AddTransaction", body: "{}", status: 404, code: apperr.NotFound},
		"wrong method":                {line: "DELETE " + promotions, status: 405, code: apperr.MethodNotAllowed},
		"action, not an id":           {line: "GET " + promotions + "/claim", status: 405, code: apperr.MethodNotAllowed},
		"GET on a procedure":          {line: "GET /loyalty.promotions.v1.PromotionService/Claim", status: 405, code: apperr.MethodNotAllowed},
		"text media type":             {line: "POST " + promotions, body: complete, header: "Content-Type: text/plain", status: 415, code: apperr.UnsupportedMediaType},
		"no media type":               {line: "POST " + promotions, body: complete, header: "Content-Type: ", status: 415, code: apperr.UnsupportedMediaType},
		"form":                        {line: "POST " + promotions, body: "a=b", header: "Content-Type: application/x-www-form-urlencoded", status: 415, code: apperr.UnsupportedMediaType},
		"latin 1":                     {line: "POST " + promotions, body: complete, header: "Content-Type: application/json; charset=latin1", status: 415, code: apperr.UnsupportedMediaType},
		"compressed":                  {line: "POST " + promotions, body: complete, header: "Content-Encoding: gzip", status: 415, code: apperr.UnsupportedMediaType},
		"media type of REST routes":   {line: "POST /loyalty.promotions.v1.PromotionService/Claim", body: "{}", header: "Content-Type: application/rest", status: 415, code: apperr.UnsupportedMediaType},
		"text for a procedure":        {line: "POST /loyalty.promotions.v1.PromotionService/Claim", body: "x", header: "Content-Type: text/plain", status: 415, code: apperr.UnsupportedMediaType},
		"too large":                   {line: "POST " + promotions, body: `{"title":"` + strings.Repeat("x", 1<<20) + `"}`, status: 413, code: apperr.PayloadTooLarge},
		"body of a GET":               {line: "GET " + promotions, body: complete, status: 400, code: apperr.ValidationFailed},
		"a gRPC path over REST":       {line: "POST /api/loyalty.promotions.v1.PromotionService/Claim", body: "{}", status: 404, code: apperr.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, tt.line, "staff", tt.body, tt.header)
			a.problem(t, tt.status, tt.code)
			if allow := a.header.Get("Allow"); (tt.status == 405) != (allow != "") {
				t.Errorf("status %d with Allow %q, want Allow only with status 405", tt.status, allow)
			}
		})
	}
	for path, allow := range map[string]string{promotions: "GET, HEAD, POST", promotions + "/claim": "POST"} {
		if a := s.call(t, "PUT "+path, "staff", ""); a.header.Get("Allow") != allow {
			t.Errorf("the header Allow of %s is %q, want %q", path, a.header.Get("Allow"), allow)
		}
	}
	for _, ct := range []string{"application/json; charset=utf-8", "application/json; charset=UTF-8", "Application/JSON"} {
		if a := s.call(t, "POST "+promotions, "staff", complete, "Content-Type: "+ct); a.status != http.StatusCreated {
			t.Errorf("%s: got %d %s", ct, a.status, a.body)
		}
	}
	for _, h := range []string{"Connect-Protocol-Version: 1", "X-Server-Timeout: soon", "Grpc-Timeout: 1n", "Accept-Encoding: gzip"} {
		a := s.call(t, "POST "+promotions, "staff", complete, h)
		if a.status != http.StatusCreated || a.header.Get("Content-Encoding") != "" {
			t.Errorf("%s: got %d %s, want 201 without compression", h, a.status, a.body)
		}
	}
}

func TestNoContent(t *testing.T) {
	s := start(t)
	for _, body := range []string{"", "{}", "null", " null\n", "\ufeff", "\ufeff{}", `{"refreshToken":" x "}`} {
		a := s.call(t, "POST /api/v1/auth/logout", "", body)
		if a.status != http.StatusNoContent || a.body != "" || a.header.Get("Set-Cookie") == "" {
			t.Errorf("body %q: got %d %q %v, want 204 without a body and with Set-Cookie", body, a.status, a.body, a.header)
		}
		if m, ok := s.last().(*usersv1.LogoutRequest); !ok || strings.Contains(body, "x") && m.GetRefreshToken() != " x " {
			t.Errorf("the use case got %v, want the refresh token unchanged", m)
		}
	}
}

// TestNoData sends bodies that clients send if they have no data, to routes without a body and with an optional body.
func TestNoData(t *testing.T) {
	s := start(t)
	for _, body := range []string{"", " ", "\r\n", "null", " null ", "{}", "{ \n}", "\ufeff", "\ufeffnull", "\ufeff {} "} {
		for _, media := range []string{"application/json", "application/x-www-form-urlencoded", "text/plain", ""} {
			for _, line := range []string{"GET " + promotions, "GET " + promotions + "/" + thingID} {
				if a := s.call(t, line, "staff", body, "Content-Type: "+media); a.status != http.StatusOK {
					t.Errorf("%s with %q as %q: got %d %s", line, body, media, a.status, a.body)
				}
			}
			if strings.Contains(body, "{") && media != "application/json" {
				continue // an object needs a media type
			}
			if a := s.call(t, "POST /api/v1/auth/logout", "", body, "Content-Type: "+media); a.status != http.StatusNoContent {
				t.Errorf("logout with %q as %q: got %d %s", body, media, a.status, a.body)
			}
		}
		for _, body := range []string{"[]", "0", "false", `""`, `"null"`, "nullnull", "{}{}", `{"a":null}`, "NULL", "undefined"} {
			a := s.call(t, "GET "+promotions, "staff", body)
			a.problem(t, http.StatusBadRequest, apperr.ValidationFailed)
		}
	}
}

func TestByteOrderMark(t *testing.T) {
	s := start(t)
	for name, tt := range map[string]struct{ line, body string }{
		"REST":         {"POST " + promotions, "\ufeff" + complete},
		"Connect JSON": {"POST " + procedure + "CreatePromotion", "\ufeff{\"promotion\":" + complete + "}"},
	} {
		if a := s.call(t, tt.line, "staff", tt.body); a.status/100 != 2 || s.last() == nil {
			t.Errorf("%s: got %d %s", name, a.status, a.body)
		}
	}
	for _, body := range []string{"\xff\xfe{\x00}\x00", "\xfe\xff\x00{\x00}", "{\x00}\x00", "\x00{\x00}"} {
		a := s.call(t, "POST "+promotions, "staff", body)
		a.problem(t, http.StatusBadRequest, apperr.ValidationFailed)
		if !strings.Contains(a.body, "the body is encoded in UTF-16, not in UTF-8") {
			t.Errorf("%q: the answer does not name the encoding: %s", body, a.body)
		}
	}
}

func TestHandlerCanHijack(t *testing.T) {
	s := start(t)
	if a := s.call(t, "GET /plain", "", ""); a.body != "hijacked" {
		t.Errorf("got %d %q", a.status, a.body)
	}
}

// same checks that got equals the message with the given text form. want is an empty message of the same type.
func same(t *testing.T, got, want proto.Message, text string) {
	t.Helper()
	unmarshal(t, text, want)
	if got == nil || !proto.Equal(got, want) {
		t.Errorf("the use case got %s\nwant %s", format(got), format(want))
	}
}

func format(m proto.Message) string {
	if m == nil {
		return "nothing"
	}
	return protojson.Format(m)
}
