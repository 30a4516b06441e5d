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

// TestKilled kills the whole program in the middle of 200 claims, starts it again on the same data, claims again, and
// verifies: as often as LOYALTY_E2E_KILLS says, once for each bus otherwise.
func TestKilled(t *testing.T) {
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
				d = killedWhileClaiming(t, d, data, bus)
			}
			d.stop(t)
		})
	}
}

const (
	claimants = 20
	offers    = 10
)

// killedWhileClaiming returns the program as it was started again.
func killedWhileClaiming(t *testing.T, d *dev, data, bus string) *dev {
	t.Helper()
	staff := newStaff(t, d.admin(t))
	players := make([]client, claimants)
	for i := range players {
		players[i] = newPlayer(t, d.url)
	}
	promotions := make([]string, offers)
	for i := range promotions {
		promotions[i] = newPromotion(staff, "BONUS", "1.00").text("id")
		assign(staff, promotions[i], players...)
	}
	var wg sync.WaitGroup
	var answered atomic.Int64
	half := make(chan struct{})
	paid := make([]map[string]string, claimants) // by promotion, the transactions that were acknowledged
	for i, player := range players {
		paid[i] = map[string]string{}
		wg.Go(func() {
			for _, promotion := range promotions {
				a, err := player.try("POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
				if err == nil && a.status == 200 {
					paid[i][promotion] = a.text("transaction.id")
				}
				if answered.Add(1) == claimants*offers/3 {
					close(half)
				}
			}
		})
	}
	<-half
	d.kill(t)
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
				t.Errorf("paid by %s before the crash, by %s after it", before, tx)
			}
		}
		if got := player.call(200, "GET", "/api/v1/users/me", nil).text("balance"); got != fmt.Sprintf("%d.00", offers) {
			t.Errorf("balance %s after %d claims", got, offers)
		}
	}
	t.Logf("%d claims were acknowledged before the crash", acknowledged(paid))
	d.verify(t)
	return d
}

func acknowledged(paid []map[string]string) int {
	n := 0
	for _, p := range paid {
		n += len(p)
	}
	return n
}
