package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// requests sends requests as real clients, proxies and code generators send them.
func requests(t *testing.T, p platform, callers map[string]client) {
	for name, run := range map[string]func(*testing.T, platform, map[string]client){
		"page sizes beyond the range of the type": largePageSizes,
		"null as the body":                        nullBodies,
		"password normalisation":                  passwordNormalisation,
		"period of an updated promotion":          updatedPeriods,
		"empty update mask over Connect":          emptyMasks,
		"integers written as decimals":            decimalIntegers,
		"violations over Connect":                 connectViolations,
		"semicolons in queries":                   semicolons,
		"login after failed logins":               successfulLogins,
		"titles without a visible character":      invisibleTitles,
		"duplicate refresh cookies":               duplicateCookies,
		"refused refresh cookies":                 refusedCookies,
		"merge patch media type":                  mergePatches,
		"byte order mark":                         byteOrderMarks,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, p, callers)
		})
	}
}

// lists returns the path of every list, with a role that may read it.
func lists(callers map[string]client) map[string]string {
	player := callers["P"].id
	return map[string]string{
		"/api/v1/users": "S", "/api/v1/users/" + player + "/transactions": "A", "/api/v1/users/me/transactions": "P",
		"/api/v1/promotions": "S", "/api/v1/promotions/players/" + player: "P", "/api/v1/notifications": "P",
	}
}

func largePageSizes(t *testing.T, _ platform, callers map[string]client) {
	for path, role := range lists(callers) {
		c := callers[role].in(t)
		for _, size := range []string{"101", "2147483647", "2147483648", "99999999999", "9223372036854775808", strings.Repeat("9", 400)} {
			c.call(200, "GET", path+"?page_size="+size, nil)
		}
		for _, size := range []string{"-1", "-2147483649", "-99999999999", "1e3x", "0x10", "1.5"} {
			invalid(c, "page_size", "GET", path+"?page_size="+size, nil)
		}
	}
}

// cookieOf returns the refresh cookie as "name=value", without its attributes.
func cookieOf(a answer) string {
	pair, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return pair
}

// loginForCookie logs c in and returns the refresh cookie.
func loginForCookie(c client) string {
	c.t.Helper()
	c.token = ""
	return cookieOf(c.call(200, "POST", "/api/v1/auth/login", object{"email": c.email, "password": password}))
}

func nullBodies(t *testing.T, p platform, callers map[string]client) {
	player := newPlayer(t, p.url)
	anonymous, admin := client{t: t, url: p.url}, callers["A"].in(t)
	for _, body := range []verbatim{"null", " null\n"} {
		refreshed := anonymous.call(200, "POST", "/api/v1/auth/refresh", body, "Cookie", loginForCookie(player))
		anonymous.call(204, "POST", "/api/v1/auth/logout", body, "Cookie", cookieOf(refreshed))
		admin.call(200, "POST", "/api/v1/users/"+player.id+"/deactivate", body)
		admin.call(200, "POST", "/api/v1/users/"+player.id+"/activate", body)
		admin.call(200, "GET", "/api/v1/users/me", body)
		admin.call(200, "GET", "/api/v1/users", body)
		anonymous.refused(401, "TOKEN_MISSING", "POST", "/api/v1/auth/refresh", body)
		anonymous.refused(400, "VALIDATION_FAILED", "POST", "/api/v1/auth/register", body)
	}
}

// passwordNormalisation checks that passwords are compared and measured in the form of RFC 8265 OpaqueString.
func passwordNormalisation(t *testing.T, p platform, _ map[string]client) {
	anonymous := client{t: t, url: p.url}
	const path = "/api/v1/auth/register"
	for i, pair := range [][2]string{
		{"p\u00e4ssword-1", "pa\u0308ssword-1"},
		{"pa\u0308ssword-1", "p\u00e4ssword-1"},
		{"correct horse b\u00e4ttery", "correct\u00a0horse\u3000ba\u0308ttery"},
	} {
		email := fmt.Sprintf("normalised-%d@example.com", i)
		anonymous.call(201, "POST", path, object{"email": email, "password": pair[0]})
		anonymous.call(200, "POST", "/api/v1/auth/login", object{"email": email, "password": pair[0]})
		anonymous.call(200, "POST", "/api/v1/auth/login", object{"email": email, "password": pair[1]})
		anonymous.refused(401, "INVALID_CREDENTIALS", "POST", "/api/v1/auth/login", object{"email": email, "password": strings.ToUpper(pair[0])})
	}
	const base = "correct horse battery"
	longest := base + strings.Repeat("u\u0308", 128-len(base))
	anonymous.call(201, "POST", path, object{"email": "longest-decomposed@example.com", "password": longest})
	for _, wrong := range []string{longest + "u\u0308", strings.Repeat("u\u0308", 7), "correct\x00horse", "correct\nhorse"} {
		invalid(anonymous, "password", "POST", path, object{"email": "invalid-password@example.com", "password": wrong})
	}
}

// newPeriod creates a promotion from 2026-03-10 to 2026-03-20 and returns its id.
func newPeriod(staff client) string {
	staff.t.Helper()
	return staff.call(201, "POST", "/api/v1/promotions", object{
		"title": "Period", "type": "BONUS", "amount": "1", "startDate": "2026-03-10", "endDate": "2026-03-20",
	}).text("id")
}

func updatedPeriods(t *testing.T, _ platform, callers map[string]client) {
	staff := callers["S"].in(t)
	path := "/api/v1/promotions/" + newPeriod(staff)
	for _, tt := range []struct {
		query, want string
		body        object
	}{
		{"", "startDate", object{"startDate": "2026-03-21"}},
		{"?update_mask=startDate", "startDate", object{"startDate": "2026-03-21", "endDate": "2026-03-22"}},
		{"", "endDate", object{"endDate": "2026-03-09"}},
		{"?update_mask=endDate", "endDate", object{"startDate": "2026-03-01", "endDate": "2026-03-09"}},
		{"", "endDate", object{"startDate": "2026-04-02", "endDate": "2026-04-01"}},
	} {
		a := staff.refused(400, "VALIDATION_FAILED", "PATCH", path+tt.query, tt.body)
		if got := fields(a); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("PATCH %s%v: the violations name %q, want %q", tt.query, tt.body, got, tt.want)
		}
	}
	staff.call(200, "PATCH", path, object{"startDate": "2026-03-20"})
}

const promotionService = "/loyalty.promotions.v1.PromotionService/"

// overConnect calls a procedure of promotions over Connect with JSON.
func overConnect(c client, status int, procedure string, body any) answer {
	c.t.Helper()
	return c.call(status, "POST", promotionService+procedure, body, "Connect-Protocol-Version", "1")
}

func emptyMasks(t *testing.T, _ platform, callers map[string]client) {
	staff := callers["S"].in(t)
	for name, mask := range map[string]any{"empty": "", "null": nil} {
		id := newPeriod(staff)
		a := overConnect(staff, 200, "UpdatePromotion", object{
			"promotion_id": id, "update_mask": mask, "promotion": object{"title": "Changed", "endDate": "2026-03-21"},
		})
		if a.text("title") != "Changed" || a.text("endDate") != "2026-03-21" || a.text("amount") != "1.00" {
			t.Errorf("update with the mask %s: got %v, want the title and the end changed", name, a)
		}
	}
	path := "/api/v1/promotions/" + newPeriod(staff)
	if a := staff.call(200, "PATCH", path+"?update_mask=", object{"title": "Changed"}); a.text("title") != "Changed" {
		t.Errorf("PATCH with an empty mask: got %v, want the title changed", a)
	}
}

func decimalIntegers(t *testing.T, _ platform, callers map[string]client) {
	staff := callers["S"].in(t)
	for _, size := range []string{"20", "20.0", "2e1", "2.0E+1", "200e-1", "0.2e2", "0.0", "1e9"} {
		overConnect(staff, 200, "ListPromotions", verbatim(`{"page_size":`+size+`}`))
	}
	for _, size := range []string{"20.5", "2e-1", "-1", "-1.0", `"x"`, "1e", "01", "true"} {
		overConnect(staff, 400, "ListPromotions", verbatim(`{"page_size":`+size+`}`))
	}
}

// connectFields returns the fields of the violations in an error over Connect.
func connectFields(a answer) []string {
	var names []string
	for _, detail := range a.list("details") {
		debug, _ := detail["debug"].(object)
		violations, _ := debug["fieldViolations"].([]any)
		for _, v := range violations {
			v, _ := v.(object)
			names = append(names, text(v, "field"))
		}
	}
	return names
}

func connectViolations(t *testing.T, _ platform, callers map[string]client) {
	staff := callers["S"].in(t)
	id := newPeriod(staff)
	for _, tt := range []struct {
		procedure, want string
		body            object
	}{
		{"CreatePromotion", "promotion.endDate", object{"promotion": object{
			"title": "x", "type": "BONUS", "amount": "1", "startDate": "2026-03-10", "endDate": "2026-03-09",
		}}},
		{"CreatePromotion", "promotion.amount", object{"promotion": object{
			"title": "x", "type": "BONUS", "amount": "-1", "startDate": "2026-03-10", "endDate": "2026-03-10",
		}}},
		{"UpdatePromotion", "promotion.startDate", object{"promotion_id": id, "promotion": object{"startDate": "2026-03-21"}}},
		{"UpdatePromotion", "promotion.endDate", object{"promotion_id": id, "promotion": object{"endDate": "2026-03-09"}}},
		{"ListPromotions", "to", object{"from": "2026-03-10", "to": "2026-03-09"}},
	} {
		a := overConnect(staff, 400, tt.procedure, tt.body)
		if got := connectFields(a); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s with %v: the violations name %q, want %q", tt.procedure, tt.body, got, tt.want)
		}
	}
}

func semicolons(t *testing.T, _ platform, callers map[string]client) {
	staff := callers["S"].in(t)
	staff.call(201, "POST", "/api/v1/promotions", object{
		"title": "Spin;Win & more", "type": "BONUS", "amount": "1", "startDate": "2026-03-10", "endDate": "2026-03-20",
	})
	for query, want := range map[string]float64{
		"title=Spin;Win": 1, "title=Spin%3BWin": 1, "type=BONUS&title=spin;win": 1, "title=;win%20%26": 1, "title=;;": 0, "title=Spin;Lose": 0,
	} {
		if a := staff.call(200, "GET", "/api/v1/promotions?"+query, nil); a.body["total"] != want {
			t.Errorf("?%s: total is %v, want %v", query, a.body["total"], want)
		}
	}
	invalid(staff, "type", "GET", "/api/v1/promotions?type=BONUS;title=x", nil)
	invalid(staff, "a;title", "GET", "/api/v1/promotions?a;title=x", nil)
}

// successfulLogins checks that a successful login clears the failed logins that were counted for the account and client.
func successfulLogins(t *testing.T, p platform, _ map[string]client) {
	c := newPlayer(t, p.url)
	c.token = ""
	right := object{"email": c.email, "password": password}
	wrong := object{"email": c.email, "password": "wrong password"}
	for range 3 {
		for range 9 {
			c.refused(401, "INVALID_CREDENTIALS", "POST", "/api/v1/auth/login", wrong)
		}
		c.call(200, "POST", "/api/v1/auth/login", right)
	}
	c.refused(401, "INVALID_CREDENTIALS", "POST", "/api/v1/auth/login", wrong)
	c.call(200, "POST", "/api/v1/auth/login", right)
}

func invisibleTitles(t *testing.T, _ platform, callers map[string]client) {
	staff := callers["S"].in(t)
	body := object{"type": "BONUS", "amount": "1", "startDate": "2026-03-10", "endDate": "2026-03-20"}
	path := "/api/v1/promotions/" + newPeriod(staff)
	for _, title := range []string{
		"\u3164", "\u2800", "\u115f\u1160", "\uffa0", "\u200b", "\u00ad", "\u00a0", "\u2003", "\u180e", "\ufeff", "\u034f",
		"\ufe0f", "\U000e0020", "\u2062", " \u3164 \u2800 ",
	} {
		body["title"] = title
		invalid(staff, "title", "POST", "/api/v1/promotions", body)
		invalid(staff, "title", "PATCH", path, object{"title": title})
	}
	for _, title := range []string{"\ud55c\uad6d\uc5b4", "\u2803", "\U0001f3b0", "\u2764\ufe0f", "a\u0301"} { // Hangul, Braille, emoji, combining
		body["title"] = title
		staff.call(201, "POST", "/api/v1/promotions", body)
	}
}

// duplicateCookies sends a valid refresh cookie together with an unusable cookie of the same name.
func duplicateCookies(t *testing.T, p platform, _ map[string]client) {
	c := newPlayer(t, p.url)
	anonymous := client{t: t, url: p.url}
	revoked := loginForCookie(c)
	name, _, _ := strings.Cut(revoked, "=")
	anonymous.call(204, "POST", "/api/v1/auth/logout", nil, "Cookie", revoked)
	for _, other := range []string{revoked, name + "=garbage", name + "=", name + `="quoted"`} {
		for _, first := range []bool{true, false} {
			pair := []string{loginForCookie(c), other}
			if first {
				slices.Reverse(pair)
			}
			a := anonymous.call(200, "POST", "/api/v1/auth/refresh", nil, "Cookie", strings.Join(pair, "; "))
			pair[slices.IndexFunc(pair, func(s string) bool { return s != other })] = cookieOf(a)
			a = anonymous.call(200, "POST", "/api/v1/auth/refresh", nil, "Cookie", pair[0], "Cookie", pair[1])
			pair[slices.IndexFunc(pair, func(s string) bool { return s != other })] = cookieOf(a)
			anonymous.call(204, "POST", "/api/v1/auth/logout", nil, "Cookie", strings.Join(pair, "; "))
		}
	}
}

// refusedCookies checks that the answer to a refused cookie clears the cookie.
func refusedCookies(t *testing.T, p platform, _ map[string]client) {
	c := newPlayer(t, p.url)
	anonymous := client{t: t, url: p.url}
	for _, path := range []string{"/api/v1/auth/refresh", "/api/v1/auth/logout"} {
		revoked := loginForCookie(c)
		name, _, _ := strings.Cut(revoked, "=")
		anonymous.call(204, "POST", "/api/v1/auth/logout", nil, "Cookie", revoked)
		for _, cookie := range []string{revoked, name + "=garbage"} {
			a := anonymous.call(401, "POST", path, nil, "Cookie", cookie)
			set := a.header.Get("Set-Cookie")
			if !strings.HasPrefix(set, name+"=;") || !strings.Contains(set, "Max-Age=0") || !strings.Contains(set, "Path=/api/v1/auth") {
				t.Errorf("%s with the refused cookie %.30s: Set-Cookie is %q, want it cleared", path, cookie, set)
			}
		}
		// A refused token in the body must not clear the cookie.
		if a := anonymous.call(401, "POST", path, object{"refreshToken": "garbage"}); a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s with a refused token in the body: Set-Cookie is %q, want none", path, a.header.Get("Set-Cookie"))
		}
	}
}

func mergePatches(t *testing.T, _ platform, callers map[string]client) {
	staff := callers["S"].in(t)
	path := "/api/v1/promotions/" + newPeriod(staff)
	for _, media := range []string{
		"application/merge-patch+json", "application/merge-patch+json; charset=utf-8", "Application/Merge-Patch+JSON",
	} {
		a := staff.call(200, "PATCH", path, object{"title": media}, "Content-Type", media)
		if a.text("title") != media || a.text("amount") != "1.00" {
			t.Errorf("PATCH as %s: got %v, want the title changed", media, a)
		}
	}
	staff.refused(415, "UNSUPPORTED_MEDIA_TYPE", "PATCH", path, object{"title": "x"}, "Content-Type", "application/json-patch+json")
	staff.refused(415, "UNSUPPORTED_MEDIA_TYPE", "POST", "/api/v1/promotions", object{"title": "x"}, "Content-Type", "application/merge-patch+json")
}

func byteOrderMarks(t *testing.T, p platform, callers map[string]client) {
	const mark = "\ufeff"
	body := func(o object) verbatim {
		encoded, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		return verbatim(mark + string(encoded))
	}
	c, staff := newPlayer(t, p.url), callers["S"].in(t)
	client{t: t, url: p.url}.call(200, "POST", "/api/v1/auth/login", body(object{"email": c.email, "password": password}))
	staff.call(200, "PATCH", "/api/v1/promotions/"+newPeriod(staff), body(object{"title": "x"}))
	overConnect(staff, http.StatusOK, "ListPromotions", body(object{"page_size": 1}))
}
