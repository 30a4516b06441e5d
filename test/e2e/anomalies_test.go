package e2e_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// TestAnomalies finds unusual movements of money in the running services, lists them and marks them as seen.
func TestAnomalies(t *testing.T) {
	t.Parallel()
	for _, bus := range []string{"kafka", "nats"} {
		t.Run(bus, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, bus, migratedDatabases(t), anomalyLimits()...)
			c.open()
			findAnomalies(t, c)
			c.verify(t)
		})
	}
}

// anomalyLimits returns the settings for findAnomalies.
func anomalyLimits() []string {
	return []string{
		"LOYALTY_ANOMALY_PLAYER_AMOUNT=5000.00", "LOYALTY_ANOMALY_PROMOTION_AMOUNT=7000.00", "LOYALTY_ANOMALY_PLAYER_COUNT=off",
	}
}

// findAnomalies needs a platform that has found no anomalies yet.
func findAnomalies(t *testing.T, c *cluster) {
	staff := newStaff(t, c.admin(t))
	players := []client{newPlayer(t, c.url), newPlayer(t, c.url), newPlayer(t, c.url)}
	promotion := newPromotion(staff, "BONUS", "2000.00").text("id")
	assign(staff, promotion, players...)
	claim := func(p client) {
		p.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
	}
	claim(players[0])
	claim(players[1])
	plant := planter(t, c.ledger)
	// The planted entry alone exceeds each limit, so it does not matter which window it is in. The claims alone exceed none.
	plant(players[0].id, "planted", "8000.00", promotion)
	claim(players[2])
	want := func(rules ...string) []object {
		t.Helper()
		var list []object
		eventually(t, fmt.Sprintf("the anomalies are %v", rules), func() error {
			a := staff.call(200, "GET", "/api/v1/anomalies", nil)
			list = a.list("anomalies")
			var got []string
			for _, one := range list {
				got = append(got, text(one, "rule"))
			}
			slices.Sort(got)
			if !slices.Equal(got, rules) || a.body["total"] != float64(len(rules)) || a.body["totalIsEstimate"] != false {
				return fmt.Errorf("got %v", a)
			}
			return nil
		})
		return list
	}
	found := want("CREDIT_WITHOUT_CLAIM", "PLAYER_AMOUNT", "PROMOTION_AMOUNT")
	for _, a := range found {
		if got := strings.Join(slices.Sorted(maps.Keys(a)), " "); got != "createdAt detail id promotion_id rule seen seenBy user_id" {
			t.Errorf("an anomaly has the members %s", got)
		}
		subjects := map[string]string{
			"CREDIT_WITHOUT_CLAIM": players[0].id + promotion, "PLAYER_AMOUNT": players[0].id, "PROMOTION_AMOUNT": promotion,
		}
		if text(a, "user_id")+text(a, "promotion_id") != subjects[text(a, "rule")] || a["seen"] != false || text(a, "seenBy") != "" || text(a, "detail") == "" {
			t.Errorf("got %v", a)
		}
	}
	if lines := c.logged("promotions", "anomaly found"); len(lines) != 3 {
		t.Errorf("promotions logged %q, want one line for each anomaly", lines)
	}
	for rule, n := range map[string]float64{"CREDIT_WITHOUT_CLAIM": 1, "PLAYER_AMOUNT": 1, "PROMOTION_AMOUNT": 1, "CLAIM_RATE": 0} {
		c.await("promotions", n, "loyalty_anomalies_total", "rule", rule)
	}
	markSeen(t, c, staff, players[0], text(found[0], "id"))
	pages(staff)
}

// planter returns a function that adds a credit to the ledger without a claim, as only a service can.
func planter(t *testing.T, ledger string) func(user, key, amount, promotion string) {
	t.Helper()
	conn, err := rpcserver.DialInternal(rpcserver.DialConfig{Address: ledger, Token: "the services' own secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	service := usersv1.NewLedgerServiceClient(conn)
	return func(user, key, amount, promotion string) {
		t.Helper()
		request := &usersv1.AddTransactionRequest{
			UserId: user, Type: usersv1.TransactionType_CREDIT, Amount: amount, IdempotencyKey: key, Description: "planted",
			AdditionalData: &structpb.Struct{Fields: map[string]*structpb.Value{"promotionId": structpb.NewStringValue(promotion)}},
		}
		if _, err := service.AddTransaction(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
}

// markSeen marks an anomaly as seen, twice.
func markSeen(t *testing.T, c *cluster, staff, player client, id string) {
	path, admin := "/api/v1/anomalies/"+id+"/seen", c.admin(t)
	player.refused(403, "FORBIDDEN", "POST", path, nil)
	player.refused(403, "FORBIDDEN", "GET", "/api/v1/anomalies", nil)
	for _, by := range []client{staff, admin, staff} {
		if a := by.call(200, "POST", path, nil); a.body["seen"] != true || a.text("seenBy") != staff.id || a.text("id") != id {
			t.Errorf("mark as seen: got %v, want it seen by %s", a, staff.id)
		}
	}
	for query, want := range map[string]int{
		"": 3, "?seen=true": 1, "?seen=false": 2, "?rule=PLAYER_AMOUNT": 1, "?rule=CLAIM_RATE": 0, "?seen=true&rule=CLAIM_RATE": 0,
	} {
		a := admin.call(200, "GET", "/api/v1/anomalies"+query, nil)
		if len(a.list("anomalies")) != want || a.body["total"] != float64(want) {
			t.Errorf("anomalies%s: got %v, want %d", query, a, want)
		}
	}
	for query, field := range map[string]string{
		"?seen=1": "seen", "?rule=nope": "rule", "?rule=ANOMALY_RULE_UNSPECIFIED": "rule", "?user_id=x": "user_id", "?page_size=-1": "page_size",
		"?page_token=x": "page_token",
	} {
		invalid(staff, field, "GET", "/api/v1/anomalies"+query, nil)
	}
}

// pages lists all anomalies in pages of one.
func pages(staff client) {
	seen := map[string]bool{}
	for token := ""; ; {
		a := staff.call(200, "GET", "/api/v1/anomalies?page_size=1&page_token="+token, nil)
		for _, one := range a.list("anomalies") {
			seen[text(one, "id")] = true
		}
		if token = a.text("nextPageToken"); token == "" {
			break
		}
		invalid(staff, "page_token", "GET", "/api/v1/anomalies?seen=true&page_token="+token, nil)
	}
	if len(seen) != 3 {
		staff.t.Errorf("the pages have %v, want three anomalies", seen)
	}
}
