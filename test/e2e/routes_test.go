package e2e_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// route is one of the API's, with who may call it, and a body that is valid in form.
type route struct {
	method, path string
	roles        string // of those who may: P, S, A, "public", "refresh"
	body         object
}

// payload is the route's body, or nil for a route without one.
func (r route) payload() any {
	if r.body == nil {
		return nil
	}
	return r.body
}

const someID = "01890000-0000-7000-8000-000000000000"

func routes() []route {
	return []route{
		{"POST", "/api/v1/auth/register", "public", object{"email": "x", "password": "x"}},
		{"POST", "/api/v1/auth/register-staff", "A", object{"email": "route@example.com", "password": "12345678"}},
		{"POST", "/api/v1/auth/login", "public", object{"email": "x", "password": "x"}},
		{"POST", "/api/v1/auth/refresh", "refresh", object{}},
		{"POST", "/api/v1/auth/logout", "refresh", object{}},
		{"GET", "/api/v1/users/me", "PSA", nil},
		{"GET", "/api/v1/users/me/transactions", "P", nil},
		{"GET", "/api/v1/users", "SA", nil},
		{"GET", "/api/v1/users/" + someID, "SA", nil},
		{"GET", "/api/v1/users/" + someID + "/transactions", "SA", nil},
		{"POST", "/api/v1/users/" + someID + "/deactivate", "A", nil},
		{"POST", "/api/v1/users/" + someID + "/activate", "A", nil},
		{"POST", "/api/v1/promotions", "SA", object{"title": "x", "type": "BONUS", "amount": "1", "startDate": "2020-01-01", "endDate": "2020-01-01"}},
		{"GET", "/api/v1/promotions", "SA", nil},
		{"GET", "/api/v1/promotions/" + someID, "SA", nil},
		{"PATCH", "/api/v1/promotions/" + someID, "SA", object{"title": "y"}},
		{"GET", "/api/v1/promotions/players/" + someID, "SA", nil},
		{"POST", "/api/v1/promotions/claim", "P", object{"promotion_id": someID}},
		{"POST", "/api/v1/promotions/" + someID + "/assign", "SA", object{"player_ids": []string{someID}}},
		{"GET", "/api/v1/notifications", "P", nil},
		{"POST", "/api/v1/notifications/read", "P", object{"all": true}},
	}
}

// TestRoutes knocks at every route as those who may not, and with what may not be said.
func TestRoutes(t *testing.T) {
	t.Parallel()
	p := startDev(t, "kafka")
	admin := p.admin(t)
	callers := map[string]client{"P": newPlayer(t, p.url), "S": newStaff(t, admin), "A": admin}
	nobody := client{t: t, url: p.url}

	t.Run("without a token", func(t *testing.T) {
		for _, r := range routes() {
			if r.roles == "public" {
				continue
			}
			a := nobody.in(t).refused(401, "TOKEN_MISSING", r.method, r.path, r.payload())
			isProblem(t, a, r.path)
		}
	})
	t.Run("with a token that is none", func(t *testing.T) {
		forged := tamper(callers["A"].token)
		for name, token := range map[string]string{"garbage": "x", "tampered": forged, "alg none": algNone(callers["A"].token)} {
			c := client{t: t, url: p.url, token: token}
			for _, r := range routes() {
				if strings.Contains("public refresh", r.roles) {
					continue
				}
				if a := c.call(401, r.method, r.path, r.payload()); a.text("code") != "TOKEN_INVALID" {
					t.Errorf("%s: %s %s answers %v", name, r.method, r.path, a)
				}
			}
		}
	})
	t.Run("with the wrong role", func(t *testing.T) {
		for _, r := range routes() {
			if strings.Contains("public refresh", r.roles) {
				continue
			}
			for role, c := range callers {
				if strings.Contains(r.roles, role) {
					continue
				}
				a := c.in(t).refused(403, "FORBIDDEN", r.method, r.path, r.payload())
				isProblem(t, a, r.path)
			}
		}
	})
	t.Run("with a body that cannot be", func(t *testing.T) { wrongBodies(t, p, callers) })
	t.Run("with a method that is not there", func(t *testing.T) {
		for _, r := range routes() {
			a := admin.in(t).refused(405, "METHOD_NOT_ALLOWED", "PUT", r.path, object{})
			if !slices.Contains(strings.Split(strings.ReplaceAll(a.header.Get("Allow"), " ", ""), ","), r.method) {
				t.Errorf("%s allows %q", r.path, a.header.Get("Allow"))
			}
		}
	})
	t.Run("what is not there", func(t *testing.T) {
		for _, path := range []string{
			"/", "/api/v1/nothing", "/api/v2/users/me", "/loyalty.users.v1.LedgerService/AddTransaction",
			"/api/v1/users/me/../me", "/api/v1//users/me", "/debug/pprof/", "/metrics",
		} {
			a := admin.in(t).refused(404, "NOT_FOUND", "POST", path, object{})
			isProblem(t, a, "")
		}
	})
	t.Run("exactly the members that were agreed on", func(t *testing.T) { members(t, callers) })
}

// wrongBodies sends every route that takes a body what no route takes.
func wrongBodies(t *testing.T, p platform, callers map[string]client) {
	for _, r := range routes() {
		c := client{t: t, url: p.url}
		if last := r.roles[len(r.roles)-1:]; callers[last].token != "" && r.roles != "public" && r.roles != "refresh" {
			c = callers[last].in(t)
		}
		if r.body == nil {
			continue
		}
		with := maps.Clone(r.body)
		with["surprise"] = 1
		a := c.refused(400, "VALIDATION_FAILED", r.method, r.path, with)
		if fields(a) != "surprise" && !strings.Contains(fields(a), "surprise") {
			t.Errorf("%s: an unknown field is answered %v", r.path, a)
		}
		isProblem(t, a, r.path)
		for name, body := range map[string]any{"a list": []int{1}, "a text": "x", "a number": 7} {
			if a := c.call(400, r.method, r.path, body); a.text("code") != "VALIDATION_FAILED" {
				t.Errorf("%s with %s: %v", r.path, name, a)
			}
		}
		large := maps.Clone(r.body)
		large["surprise"] = strings.Repeat("x", 1<<20)
		c.refused(413, "PAYLOAD_TOO_LARGE", r.method, r.path, large)
		c.refused(415, "UNSUPPORTED_MEDIA_TYPE", r.method, r.path, r.body, "Content-Type", "text/plain")
	}
	staff := callers["S"].in(t)
	valid := object{"title": "x", "type": "BONUS", "amount": "1", "startDate": "2020-01-01", "endDate": "2020-01-02"}
	for field, values := range map[string][]any{
		"title":     {"", strings.Repeat("x", 201), 7, nil, "a\u202eb", "a\x00b"},
		"type":      {"", "bonus", "PROMOTION_TYPE_UNSPECIFIED", "NOPE", 3},
		"amount":    {"0", "0.00", "0.001", "1000000000.01", "1e3", "-1", "NaN", "", 20, "1,5", "+1"},
		"startDate": {"", "2020-1-1", "2020-02-30", "2020-01-01T00:00:00Z", "tomorrow", 5},
		"endDate":   {"2019-12-31", "x"},
		"isActive":  {"true", 1},
		"id":        {someID},
		"createdAt": {"2020-01-01T00:00:00Z"},
	} {
		for _, value := range values {
			body := maps.Clone(valid)
			body[field] = value
			a := staff.refused(400, "VALIDATION_FAILED", "POST", "/api/v1/promotions", body)
			if !strings.Contains(fields(a), field) {
				t.Errorf("%s = %v: violations name %q: %v", field, value, fields(a), a)
			}
		}
	}
	for field, values := range map[string][]any{
		"title":  {strings.Repeat("ü", 200), "<b>'; DROP TABLE users; --</b>"},
		"amount": {"0.01", "1000000000.00", "20", "20.5"},
	} {
		for _, value := range values {
			body := maps.Clone(valid)
			body[field] = value
			staff.call(201, "POST", "/api/v1/promotions", body)
		}
	}
	for query, field := range map[string]string{
		"nothing=1": "nothing", "page_size=-1": "page_size", "page_size=x": "page_size", "page_token=x": "page_token",
		"type=NOPE": "type", "is_active=perhaps": "is_active", "from=2020-13-01": "from", "isActive=true": "isActive",
	} {
		a := staff.refused(400, "VALIDATION_FAILED", "GET", "/api/v1/promotions?"+query, nil)
		if fields(a) != field {
			t.Errorf("?%s: violations name %q: %v", query, fields(a), a)
		}
	}
	staff.call(200, "GET", "/api/v1/promotions?page_size=0", nil)
	if a := staff.call(200, "GET", "/api/v1/promotions?page_size=1000", nil); len(a.list("promotions")) > 100 {
		t.Errorf("a page of %d", len(a.list("promotions")))
	}
}

// fields are what an answer's violations name.
func fields(a answer) string {
	var names []string
	for _, v := range a.list("violations") {
		names = append(names, text(v, "field"))
	}
	return strings.Join(names, ",")
}

// isProblem sees that an answer is a problem document with the agreed members, and shows nothing of the inside.
func isProblem(t *testing.T, a answer, instance string) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	allowed := []string{"type", "title", "status", "detail", "code", "instance", "requestId", "violations", "transactionId"}
	for name := range a.body {
		if !slices.Contains(allowed, name) {
			t.Errorf("a problem has a member %q: %v", name, a)
		}
	}
	for _, name := range []string{"type", "title", "code", "requestId"} {
		if a.text(name) == "" {
			t.Errorf("a problem has no %s: %v", name, a)
		}
	}
	if instance != "" && a.text("instance") != instance || a.body["status"] != float64(a.status) {
		t.Errorf("a problem at %s: %v", instance, a)
	}
	for _, inside := range []string{"pgx", "SQLSTATE", "goroutine", ".go:", "postgres://", "Bearer "} {
		if strings.Contains(a.raw, inside) {
			t.Errorf("an answer shows %q: %v", inside, a)
		}
	}
}

// members sees that answers have exactly the members that were agreed on.
func members(t *testing.T, callers map[string]client) {
	player, staff := callers["P"].in(t), callers["S"].in(t)
	promotion := newPromotion(staff, "BONUS", "1.00")
	assign(staff, promotion.text("id"), player)
	offered := player.call(200, "GET", "/api/v1/promotions/players/"+player.id, nil)
	claimed := player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion.text("id")})
	var told answer
	eventually(t, "the player is told", func() error {
		told = player.call(200, "GET", "/api/v1/notifications", nil)
		return times(player, promotion.text("id"), 1)
	})
	told = player.call(200, "GET", "/api/v1/notifications", nil)
	ledger := player.call(200, "GET", "/api/v1/users/me/transactions", nil)
	inBody := player.call(200, "POST", "/api/v1/auth/login", object{"email": player.email, "password": password, "refreshTokenIn": "BODY"})
	inCookie := player.call(200, "POST", "/api/v1/auth/login", object{"email": player.email, "password": password})

	const (
		user        = "balance createdAt email id isActive role"
		offer       = "amount createdAt description endDate id isActive startDate title type updatedAt"
		assignment  = "amount assignedBy claimed createdAt id promotion_id user_id"
		transaction = "additionalData amount balanceAfter createdAt description id type user_id"
	)
	for _, tt := range []struct {
		what string
		o    object
		want string
	}{
		{"a user", player.call(200, "GET", "/api/v1/users/me", nil).body, user},
		{"users", callers["A"].in(t).call(200, "GET", "/api/v1/users?email="+player.email, nil).body, "nextPageToken total users"},
		{"a promotion", promotion.body, offer},
		{"promotions", staff.call(200, "GET", "/api/v1/promotions", nil).body, "nextPageToken promotions total"},
		{"assignments", offered.body, "assignments nextPageToken total"},
		{"an offer", offered.list("assignments")[0], assignment + " promotion"},
		{"a claim", claimed.body, "assignment transaction"},
		{"a claimed assignment", claimed.body["assignment"].(object), assignment + " claimedAt transactionId"},
		{"a transaction", claimed.body["transaction"].(object), transaction},
		{"a ledger", ledger.body, "nextPageToken total transactions"},
		{"an entry", ledger.list("transactions")[0], transaction},
		{"notifications", told.body, "nextPageToken notifications total unread user_id"},
		{"a notification", told.list("notifications")[0], "content createdAt id read type"},
		{"its content", told.list("notifications")[0]["content"].(object), offer},
		{"a login", inCookie.body, "accessToken expiresAt user"},
		{"a login for the body", inBody.body, "accessToken expiresAt refreshToken user"},
		{"what is unread", player.call(200, "POST", "/api/v1/notifications/read", object{"all": true}).body, "unread"},
	} {
		got := strings.Join(slices.Sorted(maps.Keys(tt.o)), " ")
		want := strings.Fields(tt.want)
		slices.Sort(want)
		if got != strings.Join(want, " ") {
			t.Errorf("%s has %s, want %s", tt.what, got, strings.Join(want, " "))
		}
	}
	if total, ok := ledger.body["total"].(float64); !ok || total != 1 {
		encoded, _ := json.Marshal(ledger.body["total"])
		t.Errorf("total is %s", encoded)
	}
}
