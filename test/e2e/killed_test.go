package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// TestKillDuringClaims kills loyalty-dev during 200 claims, restarts it on the same data, and repeats the claims. Each claim
// must be paid once. LOYALTY_E2E_KILLS is the number of rounds for each bus; the default is one.
func TestKillDuringClaims(t *testing.T) {
	t.Parallel()
	rounds := 1
	if s := os.Getenv("LOYALTY_E2E_KILLS"); s != "" {
		var err error
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatalf("LOYALTY_E2E_KILLS: %v", err)
		}
	}
	for _, bus := range []string{"kafka", "nats"} {
		t.Run(bus, func(t *testing.T) {
			t.Parallel()
			data := dataDir(t)
			d := runDev(t, data, bus)
			for range rounds {
				d = killDuringClaims(t, d, data, bus)
			}
			d.stop(t)
		})
	}
}

// The numbers of players and promotions in one round. Each player claims each promotion.
const (
	roundPlayers    = 20
	roundPromotions = 10
)

// killDuringClaims runs one round and returns the restarted loyalty-dev.
func killDuringClaims(t *testing.T, d *dev, data, bus string) *dev {
	t.Helper()
	staff := newStaff(t, d.admin(t))
	players := make([]client, roundPlayers)
	for i := range players {
		players[i] = newPlayer(t, d.url)
	}
	promotions := make([]string, roundPromotions)
	for i := range promotions {
		promotions[i] = newPromotion(staff, "BONUS", "1.00").text("id")
		assign(staff, promotions[i], players...)
	}
	var wg sync.WaitGroup
	var responses atomic.Int64
	aThirdDone := make(chan struct{})
	paid := make([]map[string]string, roundPlayers) // acknowledged transactions by promotion
	for i, player := range players {
		paid[i] = map[string]string{}
		wg.Go(func() {
			for _, promotion := range promotions {
				a, err := player.try("POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
				if err == nil && a.status == 200 {
					paid[i][promotion] = a.text("transaction.id")
				}
				if responses.Add(1) == roundPlayers*roundPromotions/3 {
					close(aThirdDone)
				}
			}
		})
	}
	<-aThirdDone
	d.Kill()
	wg.Wait()

	d = runDev(t, data, bus)
	for i, player := range players {
		player.url = d.url
		player = player.login(password)
		for _, promotion := range promotions {
			var tx string
			eventually(t, "the claim is paid", func() error {
				a, err := player.try("POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
				switch {
				case err != nil:
					return err
				case a.status == 200:
					tx = a.text("transaction.id")
				case a.text("code") == "PROMOTION_ALREADY_CLAIMED":
					tx = a.text("transactionId")
				default:
					return errors.New(a.String())
				}
				return nil
			})
			if before := paid[i][promotion]; before != "" && before != tx {
				t.Errorf("the claim returned transaction %s before the crash and %s after it", before, tx)
			}
		}
		if got := player.call(200, "GET", "/api/v1/users/me", nil).text("balance"); got != fmt.Sprintf("%d.00", roundPromotions) {
			t.Errorf("the balance is %s after %d claims of 1.00, want %d.00", got, roundPromotions, roundPromotions)
		}
	}
	t.Logf("%d claims were acknowledged before the crash", acknowledged(paid))
	d.verify(t)
	return d
}

// acknowledged returns the number of claims in paid.
func acknowledged(paid []map[string]string) int {
	n := 0
	for _, p := range paid {
		n += len(p)
	}
	return n
}
