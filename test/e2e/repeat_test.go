package e2e_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// bonus returns the body of a promotion with a title.
func bonus(title string) object {
	return object{"title": title, "type": "BONUS", "amount": "1", "startDate": "2020-01-01", "endDate": "2099-01-01"}
}

// repeats sends requests with an Idempotency-Key several times.
func repeats(t *testing.T, p platform, callers map[string]client) {
	t.Run("concurrent creates", func(t *testing.T) { concurrentCreates(t, callers["S"].in(t)) })
	t.Run("every route", func(t *testing.T) { repeatedRoutes(t, p, callers) })
	t.Run("an effect that was undone", func(t *testing.T) {
		admin, player := callers["A"].in(t), newPlayer(t, p.url)
		path := "/api/v1/users/" + player.id
		first := admin.call(200, "POST", path+"/deactivate", nil, "Idempotency-Key", "off "+player.id)
		admin.call(200, "POST", path+"/activate", nil, "Idempotency-Key", "on "+player.id)
		if again := admin.call(200, "POST", path+"/deactivate", nil, "Idempotency-Key", "off "+player.id); again.raw != first.raw {
			t.Errorf("got %v, want the first answer %v", again, first)
		}
		if now := admin.call(200, "GET", path, nil); now.body["isActive"] != true {
			t.Errorf("the repeated request has deactivated the player again: %v", now)
		}
	})
}

// concurrentCreates sends the same request at once. All callers get the same answer, and there is one promotion.
func concurrentCreates(t *testing.T, staff client) {
	title := fmt.Sprintf("Once %d", serial.Add(1))
	answers := make([]answer, 20)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			a, err := staff.try("POST", "/api/v1/promotions", bonus(title), "Idempotency-Key", title)
			if err != nil {
				t.Error(err)
			}
			answers[i] = a
		})
	}
	wg.Wait()
	for _, a := range answers {
		if a.status != http.StatusCreated || a.raw != answers[0].raw {
			t.Errorf("got %v, want 201 and %v", a, answers[0])
		}
	}
	list := staff.call(200, "GET", "/api/v1/promotions?title="+strings.ReplaceAll(title, " ", "%20"), nil)
	if len(list.list("promotions")) != 1 {
		t.Errorf("got %v, want one promotion", list)
	}
	staff.refused(409, "IDEMPOTENCY_MISMATCH", "POST", "/api/v1/promotions", bonus(title+"!"), "Idempotency-Key", title)
}

// repeatedRoutes calls each route that changes something twice with the same key and compares the answers.
func repeatedRoutes(t *testing.T, p platform, callers map[string]client) {
	staff, admin, player := callers["S"].in(t), callers["A"].in(t), newPlayer(t, p.url)
	promotion := newPromotion(staff, "BONUS", "5.00").text("id")
	assign(staff, promotion, player)
	paid := player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion}, "Idempotency-Key", "claim")
	other := player.login(password)
	session := ""
	for _, s := range other.call(200, "GET", "/api/v1/users/me/sessions", nil).list("sessions") {
		if s["current"] != true {
			session = text(s, "id")
		}
	}
	unknown := newPromotion(staff, "BONUS", "6.00").text("id")
	id := strconv.FormatInt(serial.Add(1), 10)
	enrolled := newStaff(t, admin)
	enrolled.id = enrolled.call(200, "GET", "/api/v1/users/me", nil).text("id")
	device := begin(enrolled)
	const mfa = "/api/v1/users/me/mfa/totp"
	for _, tt := range []struct {
		caller       client
		status       int
		method, path string
		body         any
	}{
		{client{t: t, url: p.url}, 201, "POST", "/api/v1/auth/register", object{"email": "repeated-" + id + "@example.com", "password": password}},
		{admin, 201, "POST", "/api/v1/auth/register-staff", object{"email": "repeated-staff-" + id + "@example.com", "password": password}},
		{other, 200, "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion}},
		{staff, 201, "POST", "/api/v1/promotions", bonus("Repeated " + id)},
		{staff, 200, "PATCH", "/api/v1/promotions/" + unknown, object{"title": "Changed " + id, "code": "REPEATED-" + id}},
		{staff, 200, "POST", "/api/v1/promotions/" + unknown + "/assign", object{"player_ids": []string{player.id, someID}}},
		{other, 200, "POST", "/api/v1/promotions/redeem", object{"code": "repeated-" + id}},
		{other, 200, "POST", "/api/v1/notifications/read", object{"all": true}},
		{other, 200, "POST", "/api/v1/users/me/restrictions", object{"kind": "MARKETING_OPT_OUT"}},
		{other, 204, "DELETE", "/api/v1/users/me/restrictions/MARKETING_OPT_OUT", nil},
		{staff, 200, "PUT", "/api/v1/users/" + player.id + "/restrictions/BONUS_ABUSE", object{"reason": "multiple accounts"}},
		{staff, 204, "DELETE", "/api/v1/users/" + player.id + "/restrictions/BONUS_ABUSE", nil},
		{other, 204, "DELETE", "/api/v1/users/me/sessions/" + session, nil},
		{other, 204, "DELETE", "/api/v1/users/me/sessions", nil},
		{other, 204, "POST", "/api/v1/users/me/password", object{"currentPassword": password, "newPassword": password + "!"}},
		{enrolled, 204, "POST", mfa + "/confirm", object{"code": device.code()}},
		{enrolled, 204, "POST", mfa + "/verify", object{"code": device.recovery[0]}},
		{enrolled, 204, "DELETE", mfa, object{"code": device.recovery[1]}},
		{admin, 204, "DELETE", "/api/v1/users/" + enrolled.id + "/mfa/totp", nil},
		{admin, 201, "POST", "/api/v1/users/" + player.id + "/transactions/" + paid.text("transaction.id") + "/reverse", object{"reason": "a mistake"}},
		{admin, 204, "DELETE", "/api/v1/users/" + player.id + "/sessions", nil},
		{admin, 200, "POST", "/api/v1/users/" + player.id + "/deactivate", nil},
		{admin, 200, "POST", "/api/v1/users/" + player.id + "/activate", nil},
	} {
		key := "claim"
		if !strings.HasSuffix(tt.path, "/claim") {
			key = tt.method + " " + tt.path + " " + id
		}
		first := tt.caller.call(tt.status, tt.method, tt.path, tt.body, "Idempotency-Key", key)
		if again := tt.caller.call(tt.status, tt.method, tt.path, tt.body, "Idempotency-Key", key); again.raw != first.raw {
			t.Errorf("%s %s: got %v, want the first answer %v", tt.method, tt.path, again, first)
		}
		if key == "claim" && first.raw != paid.raw {
			t.Errorf("the repeated claim got %v, want %v", first, paid)
		}
	}
}
