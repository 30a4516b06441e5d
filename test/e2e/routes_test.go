package e2e_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// route is a route of the API, with the roles that can call it and a well-formed body.
type route struct {
	method, path string
	roles        string // "public", "refresh" (needs a refresh token), or letters: P for player, S for staff, A for admin
	body         object
}

// payload returns the body, or an untyped nil if the route has no body.
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
		{"POST", "/api/v1/users/me/password", "PSA", object{"currentPassword": "x", "newPassword": "x"}},
		{"GET", "/api/v1/users/me/sessions", "PSA", nil},
		{"DELETE", "/api/v1/users/me/sessions", "PSA", nil},
		{"DELETE", "/api/v1/users/me/sessions/" + someID, "PSA", nil},
		{"GET", "/api/v1/users/" + someID + "/sessions", "A", nil},
		{"DELETE", "/api/v1/users/" + someID + "/sessions", "A", nil},
		{"DELETE", "/api/v1/users/" + someID + "/sessions/" + someID, "A", nil},
		{"POST", "/api/v1/users/me/mfa/totp", "SA", nil},
		{"POST", "/api/v1/users/me/mfa/totp/confirm", "SA", object{"code": "123456"}},
		{"POST", "/api/v1/users/me/mfa/totp/verify", "SA", object{"code": "123456"}},
		{"DELETE", "/api/v1/users/me/mfa/totp", "SA", object{"code": "123456"}},
		{"DELETE", "/api/v1/users/" + someID + "/mfa/totp", "A", nil},
		{"GET", "/api/v1/users/me/restrictions", "P", nil},
		{"POST", "/api/v1/users/me/restrictions", "P", object{"kind": "SELF_EXCLUSION"}},
		{"DELETE", "/api/v1/users/me/restrictions/MARKETING_OPT_OUT", "P", nil},
		{"GET", "/api/v1/users/" + someID + "/restrictions", "SA", nil},
		{"PUT", "/api/v1/users/" + someID + "/restrictions/BONUS_ABUSE", "SA", object{"reason": "x"}},
		{"DELETE", "/api/v1/users/" + someID + "/restrictions/BONUS_ABUSE", "SA", nil},
		{"GET", "/api/v1/users/" + someID + "/restrictions/refusals", "SA", nil},
		{"GET", "/api/v1/audit", "A", nil},
		{"GET", "/api/v1/users", "SA", nil},
		{"GET", "/api/v1/users/" + someID, "SA", nil},
		{"GET", "/api/v1/users/" + someID + "/transactions", "SA", nil},
		{"POST", "/api/v1/users/" + someID + "/transactions/" + someID + "/reverse", "A", object{"reason": "x"}},
		{"POST", "/api/v1/users/" + someID + "/deactivate", "A", nil},
		{"POST", "/api/v1/users/" + someID + "/activate", "A", nil},
		{"POST", "/api/v1/promotions", "SA", object{"title": "x", "type": "BONUS", "amount": "1", "startDate": "2020-01-01", "endDate": "2020-01-01"}},
		{"GET", "/api/v1/promotions", "SA", nil},
		{"GET", "/api/v1/promotions/" + someID, "SA", nil},
		{"GET", "/api/v1/promotions/" + someID + "/stats", "SA", nil},
		{"PATCH", "/api/v1/promotions/" + someID, "SA", object{"title": "y"}},
		{"POST", "/api/v1/promotions/" + someID + "/publish", "SA", nil},
		{"POST", "/api/v1/promotions/" + someID + "/pause", "SA", nil},
		{"POST", "/api/v1/promotions/" + someID + "/resume", "SA", nil},
		{"POST", "/api/v1/promotions/" + someID + "/archive", "SA", nil},
		{"POST", "/api/v1/promotions/" + someID + "/revoke", "SA", object{"player_ids": []string{someID}}},
		{"GET", "/api/v1/promotions/players/" + someID, "SA", nil},
		{"POST", "/api/v1/promotions/claim", "P", object{"promotion_id": someID}},
		{"POST", "/api/v1/promotions/redeem", "P", object{"code": "SOME-CODE"}},
		{"GET", "/api/v1/promotions/" + someID + "/eligibility/" + someID, "SA", nil},
		{"POST", "/api/v1/promotions/" + someID + "/assign", "SA", object{"player_ids": []string{someID}}},
		{"POST", "/api/v1/promotions/" + someID + "/assignment-jobs", "SA", object{"audience": object{"playerIds": []string{someID}}}},
		{"POST", "/api/v1/promotions/" + someID + "/assignment-jobs/csv", "SA", nil},
		{"GET", "/api/v1/promotions/" + someID + "/assignment-jobs", "SA", nil},
		{"GET", "/api/v1/assignment-jobs/" + someID, "SA", nil},
		{"POST", "/api/v1/assignment-jobs/" + someID + "/pause", "SA", nil},
		{"POST", "/api/v1/assignment-jobs/" + someID + "/resume", "SA", nil},
		{"POST", "/api/v1/assignment-jobs/" + someID + "/cancel", "SA", nil},
		{"GET", "/api/v1/assignment-jobs/" + someID + "/refused", "SA", nil},
		{"GET", "/api/v1/anomalies", "SA", nil},
		{"POST", "/api/v1/anomalies/" + someID + "/seen", "SA", nil},
		{"GET", "/api/v1/notifications", "P", nil},
		{"POST", "/api/v1/notifications/read", "P", object{"all": true}},
	}
}

// TestAPI sends valid, invalid and hostile requests to one platform.
func TestAPI(t *testing.T) {
	t.Parallel()
	api(t, startDev(t, "kafka"))
}

// api runs the tests of the API.
func api(t *testing.T, p platform) {
	admin := p.admin(t)
	callers := map[string]client{"P": newPlayer(t, p.url), "S": newStaff(t, admin), "A": admin}
	for name, run := range map[string]func(*testing.T, platform, map[string]client){
		"routes": access, "bodies": bodies, "tokens": tokens, "sockets": sockets, "requests": requests, "repeats": repeats,
		"restrictions": restrictions,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, p, callers)
		})
	}
}

// access calls every route with missing, invalid and insufficient credentials. It also calls paths and methods that do not
// exist.
func access(t *testing.T, p platform, callers map[string]client) {
	anonymous := client{t: t, url: p.url}
	t.Run("without a token", func(t *testing.T) {
		for _, r := range routes() {
			if r.roles != "public" {
				anonymous.in(t).refused(401, "TOKEN_MISSING", r.method, r.path, r.payload())
			}
		}
	})
	t.Run("with an invalid token", func(t *testing.T) {
		forger, token := newForger(t, p), callers["A"].token
		for name, tt := range map[string]struct{ token, code string }{
			"garbage":          {"x", "TOKEN_INVALID"},
			"tampered":         {tamper(token), "TOKEN_INVALID"},
			"alg none":         {algNone(token), "TOKEN_INVALID"},
			"refresh token":    {refreshToken(callers["A"].in(t), adminPassword), "TOKEN_INVALID"},
			"another audience": {forger.forge(token, nil, object{"aud": "other"}), "TOKEN_INVALID"},
			"another issuer":   {forger.forge(token, nil, object{"iss": "other"}), "TOKEN_INVALID"},
			"another type":     {forger.forge(token, object{"typ": "JWT"}, nil), "TOKEN_INVALID"},
			"unknown key":      {forger.forge(token, object{"kid": "../key"}, nil), "TOKEN_INVALID"},
			"no expiry":        {forger.forge(token, nil, object{"exp": nil}), "TOKEN_INVALID"},
			"expired":          {forger.forge(token, nil, object{"exp": 1700000000, "iat": 1699999400}), "TOKEN_EXPIRED"},
			"unknown session":  {forger.forge(token, nil, object{"sid": someID}), "TOKEN_REVOKED"},
		} {
			c := client{t: t, url: p.url, token: tt.token}
			for _, r := range routes() {
				if r.roles == "public" || r.roles == "refresh" {
					continue
				}
				if a := c.call(401, r.method, r.path, r.payload()); a.text("code") != tt.code {
					t.Errorf("token %q, %s %s: got %v, want code %s", name, r.method, r.path, a, tt.code)
				}
			}
		}
		unchanged := client{t: t, url: p.url, token: forger.forge(token, nil, nil)}
		unchanged.call(200, "GET", "/api/v1/users/me", nil) // the signature of the forger is valid
	})
	t.Run("with the wrong role", func(t *testing.T) {
		for _, r := range routes() {
			if r.roles == "public" || r.roles == "refresh" {
				continue
			}
			for role, c := range callers {
				if !strings.Contains(r.roles, role) {
					c.in(t).refused(403, "FORBIDDEN", r.method, r.path, r.payload())
				}
			}
		}
	})
	t.Run("as another player", func(t *testing.T) {
		other := newPlayer(t, p.url)
		callers["P"].in(t).refused(403, "FORBIDDEN", "GET", "/api/v1/promotions/players/"+other.id, nil)
		callers["P"].in(t).call(200, "GET", "/api/v1/promotions/players/"+callers["P"].id, nil)
	})
	t.Run("with an unknown method", func(t *testing.T) {
		for _, r := range append(routes(), publicRoutes()...) {
			unknown := "PUT"
			if slices.ContainsFunc(routes(), func(o route) bool { return o.method == unknown && o.path == r.path }) {
				unknown = "PATCH"
			}
			a := callers["A"].in(t).refused(405, "METHOD_NOT_ALLOWED", unknown, r.path, object{})
			if !slices.Contains(strings.Split(strings.ReplaceAll(a.header.Get("Allow"), " ", ""), ","), r.method) {
				t.Errorf("%s: Allow is %q, want it to contain %s", r.path, a.header.Get("Allow"), r.method)
			}
		}
	})
	t.Run("with a malformed id", func(t *testing.T) {
		for _, r := range routes() {
			if !strings.Contains(r.path, someID) {
				continue
			}
			for _, id := range []string{"x", "%7Bid%7D", ":id", someID + ":x", "id!", "a%2Fb", "%25", "%FF", someID + "0"} {
				path := strings.Replace(r.path, someID, id, 1)
				callers["A"].in(t).refused(400, "VALIDATION_FAILED", r.method, path, r.payload())
			}
		}
	})
	t.Run("unknown paths", func(t *testing.T) {
		for _, path := range []string{
			"/nothing", "/api/v1/nothing", "/api/v2/users/me", "/api/v1/users/", "/API/v1/users/me", "/api/v1/users%2Fme",
			"/api/v1/users/me/../me", "/api/v1//users/me", "/debug/pprof/", "/metrics", "/health/nothing", "/.well-known/",
			"/users/api-docs/../../go.mod", "/users/api-docs/nothing", "/notifications/ws/more",
			"/loyalty.users.v1.UserService/Nothing", "/loyalty.users.v1.LedgerService/AddTransaction",
			"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/grpc.health.v1.Health/Check",
		} {
			if path != "/users/api-docs/nothing" {
				callers["A"].in(t).refused(404, "NOT_FOUND", "POST", path, object{})
			}
			callers["A"].in(t).refused(404, "NOT_FOUND", "GET", path, nil)
		}
	})
	t.Run("public routes", func(t *testing.T) { public(t, p) })
	t.Run("procedures", func(t *testing.T) { procedures(t, p, callers) })
	t.Run("members", func(t *testing.T) { members(t, callers) })
}

// isProblem checks that a response is a problem document with exactly the members of the contract, and that it does not
// reveal internals.
func isProblem(t *testing.T, a answer, path string) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s: the content type of an error is %q, want application/problem+json", path, got)
	}
	want := []string{"code", "detail", "instance", "requestId", "status", "title", "type"}
	additional := map[string][]string{
		"VALIDATION_FAILED": {"violations"}, "PROMOTION_ALREADY_CLAIMED": {"transactionId"},
		"TRANSACTION_ALREADY_REVERSED": {"transactionId"}, "PROMOTION_STATE_CONFLICT": {"state"},
		"PROMOTION_EXHAUSTED": {"limit", "retryAt"}, "JOB_STATE_CONFLICT": {"state"},
	}
	for _, name := range additional[a.text("code")] {
		if a.body[name] != nil {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(a.body)); !slices.Equal(got, want) {
		t.Errorf("%s: the problem has the members %v, want %v", path, got, want)
	}
	for _, name := range []string{"type", "title", "detail", "code", "requestId"} {
		if a.text(name) == "" {
			t.Errorf("%s: the problem has an empty %s: %v", path, name, a)
		}
	}
	for _, v := range a.list("violations") {
		if got := slices.Sorted(maps.Keys(v)); !slices.Equal(got, []string{"field", "message", "rule"}) {
			t.Errorf("%s: a violation has the members %v, want field, message and rule", path, got)
		}
	}
	instance, _, _ := strings.Cut(path, "?")
	if a.text("instance") != instance || a.body["status"] != float64(a.status) ||
		a.text("requestId") != a.header.Get("X-Request-Id") {
		t.Errorf("%s: the problem has a wrong instance, status or requestId: %v with header %v", path, a, a.header)
	}
	for _, internal := range []string{"pgx", "SQLSTATE", "SELECT ", "goroutine", ".go:", "postgres://", "Bearer ", "strconv."} {
		if strings.Contains(a.raw, internal) {
			t.Errorf("%s: the problem reveals %q: %v", path, internal, a)
		}
	}
}

// publicRoutes returns the routes outside /api.
func publicRoutes() []route {
	all := []route{
		{"GET", "/health", "public", nil},
		{"GET", "/.well-known/jwks.json", "public", nil},
		{"GET", "/notifications/ws", "P", nil},
	}
	for _, service := range []string{"users", "promotions", "notifications"} {
		all = append(all, route{"GET", "/health/" + service, "public", nil})
		for _, page := range []string{"", "openapi.json", "openapi.yaml"} {
			all = append(all, route{"GET", "/" + service + "/api-docs/" + page, "public", nil})
		}
	}
	return all
}

// public reads health, keys and documents without a token.
func public(t *testing.T, p platform) {
	anonymous := client{t: t, url: p.url}
	health := anonymous.call(200, "GET", "/health", nil)
	if health.text("status") != "ok" || len(health.body["services"].(object)) != 3 {
		t.Errorf("health: got %v, want status ok and three services", health)
	}
	if version := anonymous.call(200, "GET", "/version", nil); version.text("schemaVersion") == "" {
		t.Errorf("version: got %v, want a schemaVersion", version)
	}
	if events, err := anonymous.try("GET", "/asyncapi.yaml", nil); events.status != 200 || !strings.HasPrefix(events.raw, "# ") && !strings.HasPrefix(events.raw, "asyncapi: ") {
		t.Errorf("asyncapi.yaml: got %.200v, %v, want a YAML document", events, err)
	}
	keys := anonymous.call(200, "GET", "/.well-known/jwks.json", nil)
	for _, key := range keys.list("keys") {
		if got := strings.Join(slices.Sorted(maps.Keys(key)), " "); got != "alg crv kid kty use x" {
			t.Errorf("a public key has the members %s, want alg crv kid kty use x", got)
		}
	}
	if len(keys.list("keys")) == 0 {
		t.Errorf("jwks.json: got %v, want a key", keys)
	}
	for _, service := range []string{"users", "promotions", "notifications"} {
		if one := anonymous.call(200, "GET", "/health/"+service, nil); one.text("services."+service) != "ok" {
			t.Errorf("health of %s: got %v, want ok", service, one)
		}
		document := anonymous.call(200, "GET", "/"+service+"/api-docs/openapi.json", nil)
		if document.text("openapi") != "3.1.0" || document.body["paths"] == nil {
			t.Errorf("OpenAPI document of %s: got %.200v, want openapi 3.1.0 with paths", service, document)
		}
		page, err := anonymous.try("GET", "/"+service+"/api-docs/", nil) // returns an error, because HTML is not JSON
		if err == nil || page.status != 200 || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") ||
			!strings.Contains(page.header.Get("Content-Security-Policy"), "script-src 'self'") {
			t.Errorf("API page of %s: got %.200v with header %v, want HTML with a Content-Security-Policy", service, page, page.header)
		}
	}
}

// members checks that responses have exactly the members of the contract.
func members(t *testing.T, callers map[string]client) {
	player, staff := callers["P"].in(t), callers["S"].in(t)
	promotion := newPromotion(staff, "BONUS", "1.00")
	assign(staff, promotion.text("id"), player)
	assignments := player.call(200, "GET", "/api/v1/promotions/players/"+player.id, nil)
	claimed := player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion.text("id")})
	eventually(t, "the player is notified", func() error { return times(player, promotion.text("id"), 1) })
	notified := player.call(200, "GET", "/api/v1/notifications", nil)
	ledger := player.call(200, "GET", "/api/v1/users/me/transactions", nil)
	inBody := player.call(200, "POST", "/api/v1/auth/login", object{"email": player.email, "password": password, "refreshTokenIn": "BODY"})
	inCookie := player.call(200, "POST", "/api/v1/auth/login", object{"email": player.email, "password": password})

	sessions := player.call(200, "GET", "/api/v1/users/me/sessions", nil)

	jobsPath := "/api/v1/promotions/" + promotion.text("id") + "/assignment-jobs"
	job := finished(staff, staff.call(202, "POST", jobsPath, object{"audience": object{"playerIds": []string{someID}}}))
	refusals := staff.call(200, "GET", "/api/v1/assignment-jobs/"+job.text("id")+"/refused", nil)

	restricted := newPlayer(t, player.url) // the other tests count the notifications of player
	own := restricted.call(200, "POST", "/api/v1/users/me/restrictions", object{"kind": "MARKETING_OPT_OUT"})
	restrictions := "/api/v1/users/" + restricted.id + "/restrictions"
	restriction := staff.call(200, "PUT", restrictions+"/MARKETING_OPT_OUT", object{"reason": "asked for it"})

	const (
		user        = "balance createdAt email id isActive role"
		offer       = "amount createdAt description endDate id isActive startDate state terms title type updatedAt"
		staffOffer  = offer + " code limits usage"
		assignment  = "amount assignedBy claimed createdAt expiresAt id jobId promotion_id revokedAt source state termsVersion user_id"
		transaction = "additionalData amount balanceAfter createdAt description id reverses type user_id"
	)
	for _, tt := range []struct {
		name string
		o    object
		want string
	}{
		{"user", player.call(200, "GET", "/api/v1/users/me", nil).body, user},
		{"list of users", callers["A"].in(t).call(200, "GET", "/api/v1/users?email="+player.email, nil).body, "nextPageToken total totalIsEstimate users"},
		{"promotion", promotion.body, staffOffer},
		{"promotion, read", staff.call(200, "GET", "/api/v1/promotions/"+promotion.text("id"), nil).body, staffOffer},
		{"limits", promotion.body["limits"].(object), "budget claimWithinHours maxClaims maxClaimsPerDay"},
		{"terms", promotion.body["terms"].(object), "text version"},
		{"usage", promotion.body["usage"].(object), "assigned claimed expired reserved revoked spent"},
		{"list of promotions", staff.call(200, "GET", "/api/v1/promotions", nil).body, "nextPageToken promotions total totalIsEstimate"},
		{"promotion in a list", staff.call(200, "GET", "/api/v1/promotions", nil).list("promotions")[0], staffOffer},
		{"list of assignments", assignments.body, "assignments nextPageToken total totalIsEstimate"},
		{"assignment in a list", assignments.list("assignments")[0], assignment + " promotion"},
		{"promotion in a list of assignments", assignments.list("assignments")[0]["promotion"].(object), offer},
		{"promotion in a list of assignments for staff", staff.call(200, "GET", "/api/v1/promotions/players/"+player.id, nil).list("assignments")[0]["promotion"].(object), staffOffer},
		{"claim", claimed.body, "assignment transaction"},
		{"claimed assignment", claimed.body["assignment"].(object), assignment + " claimedAt transactionId"},
		{"transaction", claimed.body["transaction"].(object), transaction},
		{"list of transactions", ledger.body, "nextPageToken total totalIsEstimate transactions"},
		{"transaction in a list", ledger.list("transactions")[0], transaction},
		{"list of notifications", notified.body, "nextPageToken notifications total totalIsEstimate unread user_id"},
		{"notification", notified.list("notifications")[0], "content createdAt id read type"},
		{"content of a notification", notified.list("notifications")[0]["content"].(object), offer},
		{"login", inCookie.body, "accessToken expiresAt user"},
		{"login with the tokens in the body", inBody.body, "accessToken expiresAt refreshToken user"},
		{"list of sessions", sessions.body, "nextPageToken sessions total totalIsEstimate"},
		{"session", sessions.list("sessions")[0], "address createdAt current id lastUsedAt userAgent"},
		{"job", job.body, "counts createdAt createdBy dryRun failure finishedAt forecast id promotion_id startedAt state"},
		{"counts of a job", job.body["counts"].(object), "alreadyAssigned assigned inactive malformed processed restricted total unknown"},
		{"forecast of a job", job.body["forecast"].(object), "liability players"},
		{"list of jobs", staff.call(200, "GET", jobsPath, nil).body, "jobs nextPageToken total totalIsEstimate"},
		{"list of refused players", refusals.body, "nextPageToken refused total totalIsEstimate"},
		{"refused player", refusals.list("refused")[0], "line outcome player"},
		{"own restriction", own.body, "createdAt kind until"},
		{"list of own restrictions", restricted.call(200, "GET", "/api/v1/users/me/restrictions", nil).body, "restrictions"},
		{"restriction", restriction.body, "createdAt kind reason setBy until"},
		{"list of restrictions", staff.call(200, "GET", restrictions, nil).body, "restrictions"},
		{"list of refusals", staff.call(200, "GET", restrictions+"/refusals", nil).body, "nextPageToken refusals total totalIsEstimate"},
		{"read", player.call(200, "POST", "/api/v1/notifications/read", object{"all": true}).body, "unread"},
	} {
		got := strings.Join(slices.Sorted(maps.Keys(tt.o)), " ")
		want := strings.Fields(tt.want)
		slices.Sort(want)
		if got != strings.Join(want, " ") {
			t.Errorf("%s: the members are %s, want %s; after a change of the schema, change the list in members in routes_test.go",
				tt.name, got, strings.Join(want, " "))
		}
	}
	if total, ok := ledger.body["total"].(float64); !ok || total != 1 {
		encoded, _ := json.Marshal(ledger.body["total"])
		t.Errorf("total is %s, want the number 1", encoded)
	}
}
