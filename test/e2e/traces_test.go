package e2e_test

import (
	"slices"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/tracing/tracingtest"
)

// TestTraces assigns a promotion and claims it. Each request has one trace over all services: the assignment from the HTTP
// request to the frame on the player's socket, the claim from the HTTP request over the ledger to the consumer of its event.
func TestTraces(t *testing.T) {
	t.Parallel()
	collector := tracingtest.Start(t)
	c := newCluster(t, "kafka", migratedDatabases(t), "LOYALTY_TRACES_ENDPOINT="+collector.Endpoint())
	c.open()
	player := newPlayer(t, c.url)
	staff := newStaff(t, c.admin(t))
	live := connect(player, "")
	bonus := newPromotion(staff, "BONUS", "5").text("id")
	assign(staff, bonus, player)
	for frame := live.frame(); text(frame, "notification.content.id") != bonus; { // the welcome bonus may come first
		frame = live.frame()
	}
	player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": bonus})

	for _, want := range [][]string{assignPath(), claimPath()} {
		collector.Wait(t, want[0]+" … "+want[len(want)-1], func(spans []tracingtest.Span) bool { return hasPath(spans, want) })
	}
	for _, s := range collector.Spans() {
		for name, value := range s.Attributes {
			if value == player.id || value == player.email {
				t.Errorf("the attribute %s of the span %s names the player", name, s.Name)
			}
		}
	}
}

// assignPath returns the spans of an assignment, from the request to the frame on the player's socket: the service and the
// operation of each span, the parent first.
func assignPath() []string {
	return []string{
		"loyalty-promotions loyalty.promotions.v1.PromotionService/Assign",
		"loyalty-promotions publish notifications",
		"loyalty-notifications consume notifications",
		"loyalty-notifications publish live",
		"loyalty-notifications send frame",
	}
}

// claimPath returns the spans of a claim, from the request over the ledger to the consumer of its event.
func claimPath() []string {
	return []string{
		"loyalty-promotions loyalty.promotions.v1.PromotionService/Claim",
		"loyalty-promotions loyalty.users.v1.LedgerService/AddTransaction",
		"loyalty-users loyalty.users.v1.LedgerService/AddTransaction",
		"loyalty-users publish transactions",
		"loyalty-promotions consume transactions",
	}
}

// hasPath reports whether the spans contain a trace with a path from its root. The path names the service and the operation
// of each span, the parent first.
func hasPath(spans []tracingtest.Span, path []string) bool {
	parents := []tracingtest.Span{{}}
	for _, step := range path {
		var children []tracingtest.Span
		for _, s := range spans {
			isChild := slices.ContainsFunc(parents, func(p tracingtest.Span) bool {
				return s.Parent == p.ID && (p.Trace == "" || s.Trace == p.Trace)
			})
			if isChild && s.Service+" "+s.Name == step {
				children = append(children, s)
			}
		}
		parents = children
	}
	return len(parents) > 0
}
