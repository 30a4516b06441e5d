package rpcserver_test

import (
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
		t.Errorf("isActive was not given and is %v", got)
	}
	if got := s.last().(*promotionsv1.CreatePromotionRequest).GetPromotion().GetAmount(); got != "20.00" {
		t.Errorf("the use case saw the amount %q", got)
	}
	if id := a.header.Get("X-Request-Id"); len(id) < 8 {
		t.Errorf("X-Request-Id is %q", id)
	}
	if got := a.header.Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
}

// TestBodies are bodies of a new promotion and the fields that they are refused for.
func TestBodies(t *testing.T) {
	s := start(t)
	with := func(member, value string) string {
		return `{"` + member + `":` + value + `,` + complete[1:]
	}
	replaced := func(old, by string) string { return strings.Replace(complete, old, by, 1) }
	for name, tt := range map[string]struct{ body, fields string }{
		"nothing":                         {``, "title type amount startDate endDate"},
		"an empty object":                 {`{}`, "title type amount startDate endDate"},
		"only spaces in the title":        {replaced("Spring", "   "), "title"},
		"two lines in the title":          {replaced("Spring", `Spr\ning`), "title"},
		"two paragraphs in the title":     {replaced("Spring", `Spr\u2029ing`), "title"},
		"nothing to see in the title":     {replaced("Spring", "\u200b"), "title"},
		"a title of 201 characters":       {replaced("Spring", strings.Repeat("ä", 201)), "title"},
		"an unknown member":               {with("colour", `"red"`), "colour"},
		"the proto name of a field":       {with("is_active", "true"), "is_active"},
		"a member twice":                  {with("title", `"Summer"`), "title"},
		"a very long unknown member":      {with(strings.Repeat("x", 500), "1"), strings.Repeat("x", 64) + "…"},
		"a field of the platform":         {with("id", `"`+thingID+`"`), "id"},
		"another field of the platform":   {with("createdAt", `"2026-03-01T00:00:00Z"`), "createdAt"},
		"a number for a text":             {replaced(`"20"`, "20"), "amount"},
		"an object for a text":            {replaced(`"20"`, `{"a":[1,{}]}`), "amount"},
		"null for what is required":       {replaced(`"20"`, "null"), "amount"},
		"text for a bool":                 {with("isActive", `"true"`), "isActive"},
		"an unknown type":                 {replaced("BONUS", "GIFT"), "type"},
		"the unspecified type":            {replaced("BONUS", "PROMOTION_TYPE_UNSPECIFIED"), "type"},
		"a number for the type":           {replaced(`"BONUS"`, "3"), "type"},
		"a negative amount":               {replaced("20", "-20"), "amount"},
		"three places":                    {replaced("20", "20.001"), "amount"},
		"an exponent":                     {replaced("20", "2e1"), "amount"},
		"not a number":                    {replaced("20", "NaN"), "amount"},
		"nothing to pay":                  {replaced("20", "0.00"), "amount"},
		"too much to pay":                 {replaced("20", "1000000000.01"), "amount"},
		"a day that is none":              {replaced("2026-03-31", "2026-02-30"), "endDate"},
		"an instant for a day":            {replaced("2026-03-31", "2026-03-31T00:00:00Z"), "endDate"},
		"a control character":             {replaced("Spring", `Spr\u0000ing`), "title"},
		"an escape sequence":              {replaced("Spring", `\u001b[31mSpring`), "title"},
		"text that runs backwards":        {replaced("Spring", `Spr\u202eing`), "title"},
		"several at once":                 {`{"title":"","amount":"x","colour":1}`, "colour title type amount startDate endDate"},
		"no JSON":                         {`{"title":`, ""},
		"a list":                          {`[]`, ""},
		"a text":                          {`"x"`, ""},
		"two values":                      {complete + complete, ""},
		"a trailing comma":                {`{"title":"x",}`, ""},
		"invalid UTF-8":                   {replaced("Spring", "\xff"), ""},
		"ten thousand brackets":           {`{"title":` + strings.Repeat("[", 20000), ""},
		"ten thousand brackets, balanced": {with("x", strings.Repeat("[", 9000)+strings.Repeat("]", 9000)), "x"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, "POST "+promotions, "staff", tt.body, "Content-Type: application/json")
			a.problem(t, http.StatusBadRequest, apperr.ValidationFailed)
			if got := a.fields(t); got != tt.fields {
				t.Errorf("the fields %q are refused, want %q: %s", got, tt.fields, a.body)
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
		"trimmed": {
			strings.Replace(complete, "Spring", `  Spring\t`, 1),
			`title:"Spring" type:BONUS amount:"20.00" start_date:"2026-03-01" end_date:"2026-03-31"`,
		},
		"composed": {
			strings.Replace(complete, "Spring", `Fru\u0308hling`, 1),
			`title:"Frühling" type:BONUS amount:"20.00" start_date:"2026-03-01" end_date:"2026-03-31"`,
		},
		"markup is data": {
			strings.Replace(complete, "Spring", `<b>'; DROP TABLE x--`, 1),
			`title:"<b>'; DROP TABLE x--" type:BONUS amount:"20.00" start_date:"2026-03-01" end_date:"2026-03-31"`,
		},
		"null is absence": {
			`{"description":null,"isActive":null,` + complete[1:],
			`title:"Spring" type:BONUS amount:"20.00" start_date:"2026-03-01" end_date:"2026-03-31"`,
		},
		"false is not": {
			`{"isActive":false,` + complete[1:],
			`title:"Spring" is_active:false type:BONUS amount:"20.00" start_date:"2026-03-01" end_date:"2026-03-31"`,
		},
		"a day that ended before it began is the domain's matter": {
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

func TestListedElementsAreNamedByTheirIndex(t *testing.T) {
	s := start(t)
	a := s.call(t, "POST "+promotions+"/"+thingID+"/assign", "staff",
		`{"player_ids":["`+playerID+`","x","`+otherID+`",null,7]}`)
	a.problem(t, http.StatusBadRequest, apperr.ValidationFailed)
	if got := a.fields(t); got != "player_ids[3] player_ids[4] player_ids[1]" {
		t.Errorf("the fields %q are refused: %s", got, a.body)
	}
}

func TestPathParameters(t *testing.T) {
	s := start(t)
	a := s.call(t, "GET "+promotions+"/7", "staff", "")
	a.problem(t, http.StatusBadRequest, apperr.ValidationFailed)
	if got := a.fields(t); got != "promotion_id" {
		t.Errorf("the fields %q are refused", got)
	}
	if a := s.call(t, "HEAD "+promotions+"/"+thingID, "staff", ""); a.status != http.StatusOK || a.body != "" {
		t.Errorf("HEAD answers %d %q", a.status, a.body)
	}
}

func TestRoutesAndMedia(t *testing.T) {
	s := start(t)
	for name, tt := range map[string]struct {
		line, body string
		header     string
		status     int
		code       apperr.Code
	}{
		"unknown route":         {line: "GET /api/v1/nothing", status: 404, code: apperr.NotFound},
		"unknown root":          {line: "GET /", status: 404, code: apperr.NotFound},
		"trailing slash":        {line: "GET " + promotions + "/", status: 404, code: apperr.NotFound},
		"doubled slash":         {line: "GET /api//v1/promotions", status: 404, code: apperr.NotFound},
		"dots":                  {line: "GET /api/v1/x/../promotions", status: 404, code: apperr.NotFound},
		"an escaped slash":      {line: "GET " + promotions + "/players%2F" + playerID, status: 404, code: apperr.NotFound},
		"an escaped slash, too": {line: "POST " + promotions[:len("/api/v1")] + "%2Fpromotions", status: 404, code: apperr.NotFound},
		"an escaped slash, PUT": {line: "PUT " + promotions + "%2Fclaim", status: 404, code: apperr.NotFound},
		"internal procedure":    {line: "POST /loyalty.users.v1.LedgerService/AddTransaction", body: "{}", status: 404, code: apperr.NotFound},
		"wrong method":          {line: "DELETE " + promotions, status: 405, code: apperr.MethodNotAllowed},
		"an action is no id":    {line: "GET " + promotions + "/claim", status: 405, code: apperr.MethodNotAllowed},
		"GET on a procedure":    {line: "GET /loyalty.promotions.v1.PromotionService/Claim", status: 405, code: apperr.MethodNotAllowed},
		"text":                  {line: "POST " + promotions, body: complete, header: "Content-Type: text/plain", status: 415, code: apperr.UnsupportedMediaType},
		"no type":               {line: "POST " + promotions, body: complete, header: "Content-Type: ", status: 415, code: apperr.UnsupportedMediaType},
		"a form":                {line: "POST " + promotions, body: "a=b", header: "Content-Type: application/x-www-form-urlencoded", status: 415, code: apperr.UnsupportedMediaType},
		"latin 1":               {line: "POST " + promotions, body: complete, header: "Content-Type: application/json; charset=latin1", status: 415, code: apperr.UnsupportedMediaType},
		"compressed":            {line: "POST " + promotions, body: complete, header: "Content-Encoding: gzip", status: 415, code: apperr.UnsupportedMediaType},
		"text for a procedure":  {line: "POST /loyalty.promotions.v1.PromotionService/Claim", body: "x", header: "Content-Type: text/plain", status: 415, code: apperr.UnsupportedMediaType},
		"too large":             {line: "POST " + promotions, body: `{"title":"` + strings.Repeat("x", 1<<20) + `"}`, status: 413, code: apperr.PayloadTooLarge},
		"a body for a GET":      {line: "GET " + promotions, body: complete, status: 400, code: apperr.ValidationFailed},
		"a gRPC path over REST": {line: "POST /api/loyalty.promotions.v1.PromotionService/Claim", body: "{}", status: 404, code: apperr.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, tt.line, "staff", tt.body, tt.header)
			a.problem(t, tt.status, tt.code)
			if allow := a.header.Get("Allow"); (tt.status == 405) != (allow != "") {
				t.Errorf("Allow is %q", allow)
			}
		})
	}
	for path, allow := range map[string]string{promotions: "GET, HEAD, POST", promotions + "/claim": "POST"} {
		if a := s.call(t, "PUT "+path, "staff", ""); a.header.Get("Allow") != allow {
			t.Errorf("%s allows %q, want %q", path, a.header.Get("Allow"), allow)
		}
	}
	for _, ct := range []string{"application/json; charset=utf-8", "application/json; charset=UTF-8", "Application/JSON"} {
		if a := s.call(t, "POST "+promotions, "staff", complete, "Content-Type: "+ct); a.status != http.StatusCreated {
			t.Errorf("%s is refused: %s", ct, a.body)
		}
	}
	for _, h := range []string{"Connect-Protocol-Version: 1", "X-Server-Timeout: soon", "Grpc-Timeout: 1n", "Accept-Encoding: gzip"} {
		a := s.call(t, "POST "+promotions, "staff", complete, h)
		if a.status != http.StatusCreated || a.header.Get("Content-Encoding") != "" {
			t.Errorf("with %s the answer is %d %s", h, a.status, a.body)
		}
	}
}

func TestNoContent(t *testing.T) {
	s := start(t)
	for _, body := range []string{"", "{}", `{"refreshToken":" x "}`} {
		a := s.call(t, "POST /api/v1/auth/logout", "", body)
		if a.status != http.StatusNoContent || a.body != "" || a.header.Get("Set-Cookie") == "" {
			t.Errorf("the answer to %q is %d %q %v", body, a.status, a.body, a.header)
		}
		if m, ok := s.last().(*usersv1.LogoutRequest); !ok || strings.Contains(body, "x") && m.GetRefreshToken() != " x " {
			t.Errorf("the use case saw %v: a secret is left as it is", m)
		}
	}
}

func TestPlainRoutesCanHijack(t *testing.T) {
	s := start(t)
	if a := s.call(t, "GET /plain", "", ""); a.body != "hijacked" {
		t.Errorf("got %d %q", a.status, a.body)
	}
}

// same compares a request with its text form.
func same(t *testing.T, got, want proto.Message, text string) {
	t.Helper()
	unmarshal(t, text, want)
	if got == nil || !proto.Equal(got, want) {
		t.Errorf("the use case saw %s\nwant %s", format(got), format(want))
	}
}

func format(m proto.Message) string {
	if m == nil {
		return "nothing"
	}
	return protojson.Format(m)
}
