package e2e_test

import (
	"fmt"
	"testing"
	"time"
)

// limited claims a promotion until its limits are used up, and raises them.
func limited(t *testing.T, p platform) {
	staff := newStaff(t, p.admin(t))
	players := []client{newPlayer(t, p.url), newPlayer(t, p.url), newPlayer(t, p.url)}
	path := "/api/v1/promotions/" + newPromotion(staff, "BONUS", "20").text("id")
	id := path[len("/api/v1/promotions/"):]
	assign(staff, id, players...)
	limits := func(change object) object {
		return staff.call(200, "PATCH", path, object{"limits": change}).body["limits"].(object)
	}
	if got := limits(object{"maxClaims": 1, "budget": "100"}); fmt.Sprint(got) !=
		"map[budget:100.00 claimWithinHours:0 maxClaims:1 maxClaimsPerDay:0]" {
		t.Errorf("got limits %v", got)
	}
	claim := object{"promotion_id": id}
	players[0].call(200, "POST", "/api/v1/promotions/claim", claim)
	exhausted := players[1].refused(409, "PROMOTION_EXHAUSTED", "POST", "/api/v1/promotions/claim", claim)
	if exhausted.text("limit") != "maxClaims" {
		t.Errorf("got %v, want the limit maxClaims", exhausted)
	}
	stored := staff.call(200, "GET", path, nil)
	if stored.text("state") != "EXHAUSTED" || fmt.Sprint(stored.body["usage"]) !=
		"map[assigned:3 claimed:1 expired:0 reserved:0 revoked:0 spent:20.00]" {
		t.Errorf("got %v, want an exhausted promotion with one claim", stored)
	}
	stats := staff.call(200, "GET", path+"/stats", nil)
	series := stats.list("series")
	if fmt.Sprint(stats.body["totals"]) != "map[assigned:3 claimed:1 cost:20.00 expired:0 revoked:0]" || len(series) == 0 ||
		text(series[len(series)-1], "date") != time.Now().UTC().Format(time.DateOnly) {
		t.Errorf("got %v, want the totals of 3 assignments and a claim, and today", stats)
	}
	listed := staff.call(200, "GET", "/api/v1/promotions?state=EXHAUSTED&page_size=100", nil).list("promotions")
	found := false
	for _, promotion := range listed {
		found = found || text(promotion, "id") == id
	}
	if !found {
		t.Errorf("the list of exhausted promotions does not contain %s: %v", id, listed)
	}
	below := staff.refused(400, "VALIDATION_FAILED", "PATCH", path, object{"limits": object{"budget": "19.99"}})
	if violations := below.list("violations"); len(violations) != 1 || text(violations[0], "field") != "limits.budget" {
		t.Errorf("got %v, want a violation of limits.budget", below)
	}
	limits(object{"maxClaims": 0, "budget": "40", "maxClaimsPerDay": 2})
	players[1].call(200, "POST", "/api/v1/promotions/claim", claim)
	if e := players[2].refused(409, "PROMOTION_EXHAUSTED", "POST", "/api/v1/promotions/claim", claim); e.text("limit") != "budget" {
		t.Errorf("got %v, want the limit budget", e)
	}
	limits(object{"budget": "0"})
	e := players[2].refused(409, "PROMOTION_EXHAUSTED", "POST", "/api/v1/promotions/claim", claim)
	if retryAt, err := time.Parse(time.RFC3339, e.text("retryAt")); err != nil || e.text("limit") != "maxClaimsPerDay" ||
		!retryAt.After(time.Now()) {
		t.Errorf("got %v, want the limit maxClaimsPerDay with retryAt", e)
	}
	offer := players[2].call(200, "GET", "/api/v1/promotions/players/"+players[2].id, nil).list("assignments")[0]["promotion"].(object)
	if offer["limits"] != nil || offer["usage"] != nil {
		t.Errorf("a player sees the limits or the usage: %v", offer)
	}
}

// ended revokes an assignment, makes it again with a deadline, and reads its states.
func ended(t *testing.T, p platform) {
	staff, player := newStaff(t, p.admin(t)), newPlayer(t, p.url)
	id := newPromotion(staff, "BONUS", "20").text("id")
	assign(staff, id, player)
	state := func(want string) (found object) {
		t.Helper()
		for _, state := range []string{"ASSIGNED", "CLAIMED", "EXPIRED", "REVOKED"} {
			for _, a := range player.call(200, "GET", "/api/v1/promotions/players/"+player.id+"?state="+state, nil).list("assignments") {
				if text(a, "promotion_id") != id {
					continue
				}
				if found = a; state != want || text(a, "state") != want {
					t.Errorf("the assignments in the state %s contain %v, which must be %s", state, a, want)
				}
			}
		}
		if found == nil {
			t.Fatalf("no filter lists the assignment, which must be %s", want)
		}
		return found
	}
	if a := state("ASSIGNED"); text(a, "expiresAt") != "" || text(a, "revokedAt") != "" {
		t.Errorf("got %v, want an assignment that does not expire", a)
	} else if text(a, "source") != "STAFF" || text(a, "jobId") != "" {
		t.Errorf("got %v, want an assignment by an employee", a)
	}
	revoke := func(want string) {
		t.Helper()
		a := staff.call(200, "POST", "/api/v1/promotions/"+id+"/revoke", object{"player_ids": []string{player.id, someID}})
		if got := a.list("results"); len(got) != 2 || text(got[0], "outcome") != want || text(got[1], "outcome") != "NOT_ASSIGNED" {
			t.Errorf("got %v, want %s and NOT_ASSIGNED", a, want)
		}
	}
	revoke("REVOKED")
	revoke("REVOKED")
	if a := state("REVOKED"); text(a, "revokedAt") == "" {
		t.Errorf("got %v, want the time of the revocation", a)
	}
	player.refused(409, "ASSIGNMENT_REVOKED", "POST", "/api/v1/promotions/claim", object{"promotion_id": id})
	staff.call(200, "PATCH", "/api/v1/promotions/"+id, object{"limits": object{"claimWithinHours": 2}})
	staff.call(200, "POST", "/api/v1/promotions/"+id+"/assign", object{"player_ids": []string{player.id}, "reassign": true})
	a := state("ASSIGNED")
	if at, err := time.Parse(time.RFC3339, text(a, "expiresAt")); err != nil || time.Until(at) > 2*time.Hour || time.Until(at) < time.Hour {
		t.Errorf("got %v, want an assignment that expires in two hours", a)
	}
	// The assignment expires within 24 hours, so the player is reminded at once.
	eventually(t, "the player is notified of the revocation, of both assignments and of the expiry", func() error {
		got := map[string]int{}
		for _, n := range player.call(200, "GET", "/api/v1/notifications?page_size=100", nil).list("notifications") {
			if text(n, "content.id") == id {
				got[text(n, "type")]++
			}
		}
		if fmt.Sprint(got) != "map[promotion:2 promotion_expiring:1 promotion_revoked:1]" {
			return fmt.Errorf("%v", got)
		}
		return nil
	})
	player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": id})
	state("CLAIMED")
	revoke("ALREADY_CLAIMED")
}
