package e2e_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// restrictedMeanwhile restricts a player while the player claims promotions and an employee assigns others. After the answer no
// promotion is paid, and after promotions has handled the event none is assigned. Each refusal is listed once.
func restrictedMeanwhile(t *testing.T, p platform) {
	const promotions = 12
	staff, player := newStaff(t, p.admin(t)), newPlayer(t, p.url)
	ids := make([]string, promotions)
	for i := range ids {
		ids[i] = newPromotion(staff, "BONUS", "1.00").text("id")
		assign(staff, ids[i], player)
	}
	var restricted, consumed atomic.Bool
	var paid, refusedClaims, refusedAssignments atomic.Int32
	answered := make(chan struct{}) // closed after the first claim
	var first sync.Once
	var wg sync.WaitGroup
	for _, id := range ids[1:] { // the player does not claim the first one before
		wg.Go(func() {
			for after := 0; after < 3; {
				late := restricted.Load()
				a, err := player.try("POST", "/api/v1/promotions/claim", object{"promotion_id": id})
				switch {
				case err != nil:
					t.Error(err)
					return
				case a.status == 200 && !late:
					paid.Add(1)
				case a.status == 403 && a.text("code") == "PLAYER_RESTRICTED":
					refusedClaims.Add(1)
				case a.status != 409 || a.text("code") != "PROMOTION_ALREADY_CLAIMED":
					t.Errorf("a claim, after the restriction: %t, got %v", late, a)
				}
				first.Do(func() { close(answered) })
				if late {
					after++
				}
			}
		})
	}
	wg.Go(func() {
		for after := 0; after < 3; {
			late := consumed.Load()
			id := newPromotion(staff, "BONUS", "1.00").text("id")
			a := staff.call(200, "POST", "/api/v1/promotions/"+id+"/assign", object{"player_ids": []string{player.id}})
			switch outcome := text(a.list("results")[0], "outcome"); {
			case outcome == "RESTRICTED_PLAYER":
				refusedAssignments.Add(1)
			case outcome != "ASSIGNED" || late:
				t.Errorf("an assignment, after the event: %t, got %s", late, outcome)
			}
			if late {
				after++
			}
		}
	})
	<-answered
	staff.call(200, "PUT", "/api/v1/users/"+player.id+"/restrictions/SELF_EXCLUSION", object{"reason": "called us"})
	balance := player.call(200, "GET", "/api/v1/users/me", nil).text("balance")
	restricted.Store(true)
	player.refused(403, "PLAYER_RESTRICTED", "POST", "/api/v1/promotions/claim", object{"promotion_id": ids[0]})
	refusedClaims.Add(1)
	eventually(t, "the promotions of the player are hidden", func() error { return listed(player, player, 0) })
	consumed.Store(true)
	wg.Wait()
	if got := player.call(200, "GET", "/api/v1/users/me", nil).text("balance"); got != balance || got != fmt.Sprintf("%d.00", paid.Load()) {
		t.Errorf("%d claims are paid and the balance is %s, want %s as at the restriction", paid.Load(), got, balance)
	}
	counts := map[string]int32{}
	for token, first := "", true; first || token != ""; first = false {
		a := staff.call(200, "GET", "/api/v1/users/"+player.id+"/restrictions/refusals?page_size=100&page_token="+token, nil)
		for _, r := range a.list("refusals") {
			counts[text(r, "action")]++
		}
		token = a.text("nextPageToken")
	}
	if counts["CLAIM"] != refusedClaims.Load() || counts["ASSIGN"] != refusedAssignments.Load() || len(counts) != 2 {
		t.Errorf("got the refusals %v, want %d of claims and %d of assignments", counts, refusedClaims.Load(), refusedAssignments.Load())
	}
}

// optedOut assigns promotions to a player who does not want to be notified. The player can claim them. A notification is sent
// again for promotions that are assigned after the opt-out is lifted.
func optedOut(t *testing.T, p platform) {
	staff, player, other := newStaff(t, p.admin(t)), newPlayer(t, p.url), newPlayer(t, p.url)
	const path = "/api/v1/users/me/restrictions"
	player.call(200, "POST", path, object{"kind": "MARKETING_OPT_OUT"})
	// The opt-out has no visible effect in promotions, but the event of this later restriction has, and contains the opt-out.
	abuse := "/api/v1/users/" + player.id + "/restrictions/BONUS_ABUSE"
	first := newPromotion(staff, "BONUS", "1.00").text("id")
	assign(staff, first, other)
	staff.call(200, "PUT", abuse, object{"reason": "a mistake"})
	hidden := newPromotion(staff, "BONUS", "1.00").text("id")
	eventually(t, "the player is restricted", func() error { return outcome(staff, hidden, player, "RESTRICTED_PLAYER") })
	staff.call(204, "DELETE", abuse, nil)
	eventually(t, "the player is assigned a promotion", func() error { return outcome(staff, first, player, "ASSIGNED") })
	player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": first})
	eventually(t, "another player is notified", func() error { return times(other, first, 1) })
	player.call(204, "DELETE", path+"/MARKETING_OPT_OUT", nil)
	notified := ""
	eventually(t, "the player is notified again", func() error {
		if notified == "" || times(player, notified, 1) != nil {
			notified = newPromotion(staff, "BONUS", "1.00").text("id")
			assign(staff, notified, player)
		}
		return times(player, notified, 1)
	})
	if err := times(player, first, 0); err != nil {
		t.Error(err)
	}
}

// outcome assigns a promotion to a player once and returns an error unless the outcome is want.
func outcome(staff client, promotion string, player client, want string) error {
	staff.t.Helper()
	a := staff.call(200, "POST", "/api/v1/promotions/"+promotion+"/assign", object{"player_ids": []string{player.id}})
	if got := text(a.list("results")[0], "outcome"); got != want {
		return fmt.Errorf("got the outcome %s, want %s", got, want)
	}
	return nil
}
