package e2e_test

import (
	"fmt"
	"strings"
	"testing"
)

// termsKept changes the terms of a promotion, and checks which version each assignment keeps.
func termsKept(t *testing.T, p platform) {
	staff := newStaff(t, p.admin(t))
	first, second := newPlayer(t, p.url), newPlayer(t, p.url)
	path := "/api/v1/promotions/" + newPromotion(staff, "BONUS", "20").text("id")
	id := strings.TrimPrefix(path, "/api/v1/promotions/")
	write := func(terms object, want string) {
		t.Helper()
		if got := staff.call(200, "PATCH", path, object{"terms": terms}).body["terms"]; fmt.Sprint(got) != want {
			t.Errorf("got terms %v, want %s", got, want)
		}
	}
	if got := staff.call(200, "GET", path, nil).body["terms"]; fmt.Sprint(got) != "map[text: version:0]" {
		t.Errorf("got terms %v of a new promotion, want empty ones with version 0", got)
	}
	write(object{"text": "One claim per household."}, "map[text:One claim per household. version:1]")
	assign(staff, id, first)
	write(object{"text": "One claim per household."}, "map[text:One claim per household. version:1]")
	write(object{"text": ""}, "map[text: version:2]")
	write(object{"text": "One claim per person."}, "map[text:One claim per person. version:3]")
	assign(staff, id, second)
	e := staff.refused(400, "VALIDATION_FAILED", "PATCH", path, object{"terms": object{"version": 9}})
	if violations := e.list("violations"); len(violations) != 1 || text(violations[0], "field") != "terms.version" {
		t.Errorf("got %v, want a violation of terms.version", e)
	}
	for version, c := range map[float64]client{1: first, 3: second} {
		a := c.call(200, "GET", "/api/v1/promotions/players/"+c.id, nil).list("assignments")
		offer := a[0]["promotion"].(object)
		if a[0]["termsVersion"] != version || fmt.Sprint(offer["terms"]) != "map[text:One claim per person. version:3]" {
			t.Errorf("got %v, want version %v of the assignment and 3 of its promotion", a[0], version)
		}
		claimed := c.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": id}).body["assignment"].(object)
		if claimed["termsVersion"] != version {
			t.Errorf("claimed: got %v, want the version %v", claimed, version)
		}
	}
	eventually(t, "the first player is notified with the terms", func() error {
		for _, n := range first.call(200, "GET", "/api/v1/notifications", nil).list("notifications") {
			if content := n["content"].(object); text(content, "id") == id {
				if fmt.Sprint(content["terms"]) != "map[text:One claim per household. version:1]" {
					return fmt.Errorf("the notification has the terms %v", content["terms"])
				}
				return nil
			}
		}
		return fmt.Errorf("no notification of %s", id)
	})
}
