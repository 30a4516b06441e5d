package e2e_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// TestKillDuringClaimsOfTheLastUnit kills one of three promotions replicas while 25 players send 500 claims for the last unit
// of a limit. Exactly one claim is paid, and the limit holds its other units.
func TestKillDuringClaimsOfTheLastUnit(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "nats", migratedDatabases(t))
	for n := range 2 {
		name := replica("promotions", n+1)
		c.replicas["promotions"] = append(c.replicas["promotions"], name)
		c.listen[name] = testproc.FreeAddress(t)
	}
	c.open()
	staff := newStaff(t, c.admin(t))
	players := make([]client, 25)
	for i := range players {
		players[i] = newPlayer(t, c.url)
	}
	paid := 0
	for _, limits := range []struct{ one, two object }{
		{object{"maxClaims": 1}, object{"maxClaims": 2}},
		{object{"budget": "3.00"}, object{"budget": "5.00"}}, // one claim of 2.00, and two
	} {
		id := newPromotion(staff, "BONUS", "2.00").text("id")
		assign(staff, id, players...)
		staff.call(200, "PATCH", "/api/v1/promotions/"+id, object{"limits": limits.one})
		claimAndKill(t, c, id, players)
		paid++
		claimedBy(t, players, id, 1)
		staff.call(200, "PATCH", "/api/v1/promotions/"+id, object{"limits": limits.two})
		paid++
		claimedBy(t, players, id, 2)
	}
	total := 0.0
	for _, player := range players {
		var balance float64
		text := player.call(200, "GET", "/api/v1/users/me", nil).text("balance")
		if _, err := fmt.Sscan(text, &balance); err != nil {
			t.Fatalf("balance %q: %v", text, err)
		}
		total += balance
	}
	if total != float64(2*paid) {
		t.Errorf("the balances add up to %v after %d claims of 2.00", total, paid)
	}
	c.verify(t)
}

// claimAndKill sends 500 claims to the three replicas at once, kills one of them meanwhile, and starts it again.
func claimAndKill(t *testing.T, c *cluster, promotion string, players []client) {
	t.Helper()
	const claims = 500
	killAfter := rand.Int64N(15)
	killed := c.replicas["promotions"][1]
	var wg sync.WaitGroup
	var answered, succeeded atomic.Int64
	kill := make(chan struct{})
	if killAfter == 0 {
		close(kill)
	}
	for i := range claims {
		player := players[i%len(players)]
		player.url = "http://" + c.listen[c.replicas["promotions"][i%3]]
		wg.Go(func() {
			a, err := player.try("POST", "/api/v1/promotions/claim", object{"promotion_id": promotion},
				"Idempotency-Key", fmt.Sprintf("%s-%d", promotion, i))
			if answered.Add(1) == killAfter {
				close(kill)
			}
			if err == nil && a.status == 200 {
				succeeded.Add(1)
			}
		})
	}
	<-kill
	c.kill(killed)
	wg.Wait()
	if n := succeeded.Load(); n > 1 {
		t.Errorf("%d claims succeeded, want at most 1", n)
	}
	t.Logf("%d claims had succeeded, with a kill after %d answers", succeeded.Load(), killAfter)
	c.launch(killed)
	c.awaitReplica(killed)
}

// claimedBy claims a promotion for all players until want of them have it and it is exhausted for the others.
func claimedBy(t *testing.T, players []client, promotion string, want int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d players have claimed promotion %s", want, promotion), func() error {
		claimed := 0
		for _, player := range players {
			a, err := player.try("POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
			switch {
			case err != nil:
				return err
			case a.status == 200 || a.text("code") == "PROMOTION_ALREADY_CLAIMED":
				claimed++
			case a.text("code") != "PROMOTION_EXHAUSTED":
				return errors.New(a.String())
			}
		}
		switch {
		case claimed > want:
			t.Fatalf("%d players have claimed promotion %s, want %d", claimed, promotion, want)
		case claimed < want:
			return fmt.Errorf("%d players", claimed)
		}
		return nil
	})
}
