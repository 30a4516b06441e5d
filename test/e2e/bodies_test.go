package e2e_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// bodies sends malformed and invalid requests, and valid requests at the limits.
func bodies(t *testing.T, p platform, callers map[string]client) {
	t.Run("malformed bodies", func(t *testing.T) { malformedBodies(t, p, callers) })
	t.Run("promotions", func(t *testing.T) { promotionBodies(callers["S"].in(t)) })
	t.Run("promotion updates", func(t *testing.T) { updateBodies(callers["S"].in(t)) })
	t.Run("accounts", func(t *testing.T) { accounts(client{t: t, url: p.url}) })
	t.Run("ids", func(t *testing.T) { ids(t, callers) })
	t.Run("queries", func(t *testing.T) { queries(t, callers) })
	t.Run("page tokens", func(t *testing.T) { pageTokens(callers["S"].in(t)) })
}

// caller returns a client whose role may call a route.
func caller(t *testing.T, r route, p platform, callers map[string]client) client {
	if r.roles == "public" || r.roles == "refresh" {
		return client{t: t, url: p.url}
	}
	return callers[r.roles[len(r.roles)-1:]].in(t)
}

// malformedBodies sends bodies that no route accepts.
func malformedBodies(t *testing.T, p platform, callers map[string]client) {
	for _, r := range routes() {
		c := caller(t, r, p, callers)
		if strings.HasSuffix(r.path, "/csv") { // accepts a file; uploads sends files
			c.refused(415, "UNSUPPORTED_MEDIA_TYPE", r.method, r.path, object{"surprise": 1})
			continue
		}
		if r.body == nil {
			invalid(c, "", r.method, r.path, object{"surprise": 1})
			continue
		}
		with := maps.Clone(r.body)
		with["surprise"] = 1
		invalid(c, "surprise", r.method, r.path, with)
		for _, body := range []string{
			`[]`, `"x"`, `7`, `nul`, `{`, `{"email":"x`, `{}{}`, `{} x`, `{'a':1}`, `{"a":NaN}`, `{/**/}`, "{\ufeff}", "\x00",
			"{\"email\":\"\xff\"}", `{"email":"\ud800"}`, strings.Repeat(`[`, 100_000), strings.Repeat(`{"a":`, 20_000),
		} {
			invalid(c, "", r.method, r.path, verbatim(body))
		}
		large := maps.Clone(r.body)
		large["surprise"] = strings.Repeat("x", 1<<20)
		c.refused(413, "PAYLOAD_TOO_LARGE", r.method, r.path, large)
		for _, media := range []string{"text/plain", "application/xml", "application/json; charset=latin1", "application/grpc"} {
			c.refused(415, "UNSUPPORTED_MEDIA_TYPE", r.method, r.path, r.body, "Content-Type", media)
		}
		c.refused(415, "UNSUPPORTED_MEDIA_TYPE", r.method, r.path, r.body, "Content-Encoding", "gzip")
	}
}

// invalid sends a request that must fail with a violation of the given field. An empty field means the request as a whole.
func invalid(c client, field, method, path string, body any) {
	c.t.Helper()
	a := c.refused(400, "VALIDATION_FAILED", method, path, body)
	if !slices.Contains(fields(a), field) {
		c.t.Errorf("%s %s with %.100v: the violations name %q, want %q", method, path, body, fields(a), field)
	}
}

// fields returns the fields of the violations in an error.
func fields(a answer) []string {
	var names []string
	for _, v := range a.list("violations") {
		names = append(names, text(v, "field"))
	}
	return names
}

// promotionBodies creates promotions with invalid and valid fields.
func promotionBodies(staff client) {
	valid := object{"title": "x", "type": "BONUS", "amount": "1", "startDate": "2020-01-01", "endDate": "2020-01-02"}
	with := func(field string, value any) object {
		body := maps.Clone(valid)
		body[field] = value
		return body
	}
	for field, values := range map[string][]any{
		"title":       {"", "  ", strings.Repeat("x", 201), 7, nil, []string{"x"}, "a\u202eb", "a\u2066b", "a\x00b", "a\x7fb"},
		"description": {strings.Repeat("x", 2001), 7, "a\u202db", "\x1b[31m"},
		"type":        {"", "bonus", "PROMOTION_TYPE_UNSPECIFIED", "NOPE", 3, nil},
		"amount": {
			"0", "0.00", "0.001", "20.000", "1000000000.01", strings.Repeat("9", 400), "1e3", "-1", "-0", "NaN", "Infinity", "",
			20, 20.5, "1,5", "+1", ".5", "5.", "0x10", "1_000", "２0", nil, true, object{},
		},
		"startDate": {"", "2020-1-1", "2020-02-30", "0000-01-01", "10000-01-01", "2020-01-01T00:00:00Z", "tomorrow", 5, nil},
		"endDate":   {"2019-12-31", "x", nil},
		"isActive":  {"true", 1},
		"id":        {someID},
		"createdAt": {"2020-01-01T00:00:00Z"},
		"is_active": {true},
		"promotion": {valid},
	} {
		for _, value := range values {
			invalid(staff, field, "POST", "/api/v1/promotions", with(field, value))
		}
	}
	for field, values := range map[string]map[any]any{
		"title": {
			strings.Repeat("ü", 200): strings.Repeat("ü", 200), " x ": "x",
			"<b>'; DROP TABLE users; --</b>": "<b>'; DROP TABLE users; --</b>",
		},
		"description": {strings.Repeat("x", 2000): strings.Repeat("x", 2000), "one\ntwo": "one\ntwo", "": ""},
		"amount":      {"0.01": "0.01", "1000000000.00": "1000000000.00", "20": "20.00", "20.5": "20.50"},
		"endDate":     {"2020-01-01": "2020-01-01", "9999-12-31": "9999-12-31"},
		"isActive":    {false: false, true: true},
	} {
		for value, want := range values {
			a := staff.call(201, "POST", "/api/v1/promotions", with(field, value))
			if a.body[field] != want {
				staff.t.Errorf("%s %.50v was stored as %.50v, want %.50v", field, value, a.body[field], want)
			}
		}
	}
}

// updateBodies updates a promotion with invalid and valid fields and masks.
func updateBodies(staff client) {
	path := "/api/v1/promotions/" + newPromotion(staff, "BONUS", "1.00").text("id")
	for _, tt := range []struct {
		query, field string
		body         object
	}{
		{"", "type", object{"type": "BONUS"}},
		{"", "title", object{"title": ""}},
		{"", "isActive", object{"isActive": nil}},
		{"", "endDate", object{"endDate": "2001-01-01"}},
		{"", "id", object{"id": someID}},
		{"?update_mask=title", "title", object{}},
		{"?update_mask=title", "surprise", object{"title": "y", "surprise": 1}},
		{"?update_mask=nothing", "update_mask", object{"title": "y"}},
		{"?update_mask=start_date", "update_mask", object{"startDate": "2001-01-01"}},
		{"?update_mask=*", "update_mask", object{"title": "y"}},
		{"?update_mask=title,,amount", "update_mask", object{"title": "y", "amount": "2"}},
		{"?update_mask=type", "type", object{"type": "BONUS"}},
		{"?nothing=1", "nothing", object{"title": "y"}},
	} {
		invalid(staff, tt.field, "PATCH", path+tt.query, tt.body)
	}
	a := staff.call(200, "PATCH", path+"?update_mask=title,isActive", object{
		"title": "changed", "isActive": false, "amount": "not in the mask", "type": "VIP_PROMOTION",
	})
	if a.text("title") != "changed" || a.body["isActive"] != false || a.text("amount") != "1.00" || a.text("type") != "BONUS" {
		staff.t.Errorf("update of title and isActive: got %v, want only these fields changed", a)
	}
	a = staff.call(200, "PATCH", path, object{"amount": "2.5"})
	if a.text("amount") != "2.50" || a.text("title") != "changed" {
		staff.t.Errorf("update of the amount to 2.5: got %v, want only the amount changed", a)
	}
}

// accounts registers with invalid and valid fields.
func accounts(anonymous client) {
	const path = "/api/v1/auth/register"
	for field, values := range map[string][]any{
		"email": {
			"", "x", "a b@example.com", "<b>@example.com", "A <a@example.com>", "a@example.com\nX: y", "a\u202e@example.com",
			strings.Repeat("x", 250) + "@b.de", 1, nil,
		},
		"password": {"", "1234567", strings.Repeat("x", 129), 12345678, nil},
		"role":     {"ADMIN"},
	} {
		for _, value := range values {
			body := object{"email": "somebody@example.com", "password": password}
			body[field] = value
			invalid(anonymous, field, "POST", path, body)
		}
	}
	for _, value := range []any{"", "cookie", "HEADER", "REFRESH_TOKEN_IN_UNSPECIFIED", 1} {
		body := object{"email": "somebody@example.com", "password": password, "refreshTokenIn": value}
		invalid(anonymous, "refreshTokenIn", "POST", "/api/v1/auth/login", body)
	}
	for _, weak := range []string{"password", "12345678", "        ", "somebody1"} {
		anonymous.refused(400, "PASSWORD_TOO_WEAK", "POST", path, object{"email": "somebody@example.com", "password": weak})
	}
	longest := object{"email": "longest@example.com", "password": strings.Repeat("ü", 120) + "kX9#vQ2m"}
	anonymous.call(201, "POST", path, longest)
	anonymous.call(200, "POST", "/api/v1/auth/login", longest)
}

// ids sends malformed and unknown ids.
func ids(t *testing.T, callers map[string]client) {
	player, staff, admin := callers["P"].in(t), callers["S"].in(t), callers["A"].in(t)
	for _, id := range []string{"x", "1", "018900000000700080000000000000", "%20", "%01", strings.Repeat("a", 3000)} {
		invalid(staff, "user_id", "GET", "/api/v1/users/"+id, nil)
		invalid(staff, "promotion_id", "GET", "/api/v1/promotions/"+id, nil)
		invalid(staff, "player_id", "GET", "/api/v1/promotions/players/"+id, nil)
		invalid(admin, "user_id", "POST", "/api/v1/users/"+id+"/deactivate", nil)
		invalid(staff, "job_id", "POST", "/api/v1/assignment-jobs/"+id+"/cancel", nil)
		invalid(staff, "anomaly_id", "POST", "/api/v1/anomalies/"+id+"/seen", nil)
	}
	staff.refused(400, "VALIDATION_FAILED", "GET", "/api/v1/users/%00", nil) // Nginx refuses it without violations
	staff.refused(404, "NOT_FOUND", "GET", "/api/v1/users/"+someID, nil)
	staff.refused(404, "NOT_FOUND", "GET", "/api/v1/users/"+someID+"/transactions", nil)
	staff.refused(404, "NOT_FOUND", "GET", "/api/v1/promotions/"+someID, nil)
	staff.refused(404, "NOT_FOUND", "POST", "/api/v1/anomalies/"+someID+"/seen", nil)
	for _, path := range []string{"/" + someID, "/" + someID + "/refused"} {
		staff.refused(404, "NOT_FOUND", "GET", "/api/v1/assignment-jobs"+path, nil)
	}
	staff.refused(404, "NOT_FOUND", "GET", "/api/v1/promotions/"+someID+"/assignment-jobs", nil)
	staff.refused(404, "NOT_FOUND", "POST", "/api/v1/assignment-jobs/"+someID+"/cancel", nil)
	admin.refused(404, "NOT_FOUND", "POST", "/api/v1/users/"+someID+"/activate", nil)
	player.refused(404, "NOT_FOUND", "POST", "/api/v1/promotions/claim", object{"promotion_id": someID})

	many := slices.Repeat([]string{someID}, 1001)
	assign, claim, read := "/api/v1/promotions/"+someID+"/assign", "/api/v1/promotions/claim", "/api/v1/notifications/read"
	for _, tt := range []struct {
		c           client
		path, field string
		body        object
	}{
		{staff, assign, "player_ids", object{}},
		{staff, assign, "player_ids", object{"player_ids": []string{}}},
		{staff, assign, "player_ids", object{"player_ids": someID}},
		{staff, assign, "player_ids", object{"player_ids": many}},
		{staff, assign, "player_ids[1]", object{"player_ids": []string{someID, "x"}}},
		{staff, assign, "player_ids[0]", object{"player_ids": []any{nil}}},
		{staff, assign, "playerIds", object{"playerIds": []string{someID}}},
		{player, claim, "promotion_id", object{}},
		{player, claim, "promotion_id", object{"promotion_id": "x"}},
		{player, claim, "player_id", object{"promotion_id": someID, "player_id": someID}},
		{player, read, "", object{}},
		{player, read, "", object{"ids": []string{}}},
		{player, read, "", object{"all": false}},
		{player, read, "", object{"all": true, "ids": []string{someID}}},
		{player, read, "ids[0]", object{"ids": []string{"x"}}},
		{player, read, "ids", object{"ids": many}},
		{player, read, "all", object{"all": "true"}},
	} {
		invalid(tt.c, tt.field, "POST", tt.path, tt.body)
	}
	for _, key := range []string{"", strings.Repeat("k", 201), "ü"} {
		a := player.refused(400, "VALIDATION_FAILED", "POST", claim, object{"promotion_id": someID}, "Idempotency-Key", key)
		if !slices.Equal(fields(a), []string{"Idempotency-Key"}) {
			t.Errorf("Idempotency-Key %.10q: got %v, want one violation of Idempotency-Key", key, a)
		}
	}
}

// queries sends invalid queries to every list.
func queries(t *testing.T, callers map[string]client) {
	common := map[string]string{
		"nothing=1": "nothing", "page_size=-1": "page_size", "page_size=x": "page_size", "page_size=": "page_size",
		"page_size=1.5": "page_size", "page_size=1&page_size=2": "page_size",
		"pageSize=1": "pageSize", "page_token=x": "page_token", "page_token=%00": "page_token", "page_token=%20": "page_token",
		"page_token=" + strings.Repeat("%CD%B8", 512): "page_token", // unassigned characters, which are removed from texts
		"%3Cb%3E=1": "<b>", "a;b": "a;b", "type=%ff;": "type",
	}
	for path, tt := range map[string]struct {
		role    string
		queries map[string]string
	}{
		"/api/v1/users": {"S", map[string]string{
			"role=player": "role", "role=ROLE_UNSPECIFIED": "role", "is_active=perhaps": "is_active", "isActive=true": "isActive",
			"email=" + strings.Repeat("x", 255): "email", "email=%ff": "email", "email=%e2%80%ae": "email",
		}},
		"/api/v1/promotions": {"S", map[string]string{
			"type=NOPE": "type", "type=": "type", "type=1": "type", "is_active=1": "is_active", "available=TRUE": "available",
			"from=2020-13-01": "from", "to=x": "to", "to=%20": "to", "title=" + strings.Repeat("x", 201): "title", "title=%00": "title",
			"update_mask=title": "update_mask", "promotion.title=x": "promotion.title",
		}},
		"/api/v1/promotions/players/" + callers["P"].id: {"P", map[string]string{
			"claimed=1": "claimed", "type=NOPE": "type", "available=": "available", "player_id=" + someID: "player_id",
		}},
		"/api/v1/users/me/transactions":                      {"P", map[string]string{"type=credit": "type", "user_id=x": "user_id"}},
		"/api/v1/users/" + callers["P"].id + "/transactions": {"A", map[string]string{"type=credit": "type"}},
		"/api/v1/anomalies":                                  {"S", map[string]string{"seen=1": "seen", "rule=nope": "rule", "rule=": "rule"}},
		"/api/v1/notifications":                              {"P", map[string]string{"unread=1": "unread", "all=true": "all"}},
	} {
		c := callers[tt.role].in(t)
		maps.Copy(tt.queries, common)
		for query, field := range tt.queries {
			a := c.refused(400, "VALIDATION_FAILED", "GET", path+"?"+query, nil)
			if got := fields(a); !slices.Equal(got, []string{field}) {
				t.Errorf("%s?%.60s: the violations name %q, want %q", path, query, got, field)
			}
		}
		c.call(200, "GET", path+"?page_size=0&page_token=", nil)
		c.call(200, "GET", path+"?page_size=101", nil)
	}
	callers["S"].in(t).refused(400, "VALIDATION_FAILED", "GET", "/api/v1/users/me?nothing=1", nil)
	for _, query := range []string{"email=%25", "email=_"} { // SQL wildcards
		if a := callers["S"].in(t).call(200, "GET", "/api/v1/users?"+query, nil); a.body["total"] != 0.0 {
			t.Errorf("?%s: got %v, want no users", query, a)
		}
	}
}

// pageTokens sends page tokens of other lists and forged page tokens.
func pageTokens(staff client) {
	for range 2 {
		newPromotion(staff, "BONUS", "1.00")
	}
	token := staff.call(200, "GET", "/api/v1/promotions?page_size=1", nil).text("nextPageToken")
	staff.call(200, "GET", "/api/v1/promotions?page_size=2&page_token="+token, nil)
	forged := strings.ToUpper(token)
	for _, path := range []string{
		"/api/v1/promotions?type=BONUS&page_token=" + token, "/api/v1/users?page_token=" + token,
		"/api/v1/promotions?page_token=" + token[:len(token)-4], "/api/v1/promotions?page_token=" + forged,
	} {
		invalid(staff, "page_token", "GET", path, nil)
	}
	if got := len(staff.call(200, "GET", "/api/v1/promotions?page_size=100000", nil).list("promotions")); got > 100 {
		staff.t.Errorf("a page has %d items, want at most 100", got)
	}
}
