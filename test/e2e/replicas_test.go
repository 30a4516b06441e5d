package e2e_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/rpcserver/dnstest"
	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// TestKilledUsersReplicaLosesNoClaim kills one of three users replicas during claims.
func TestKilledUsersReplicaLosesNoClaim(t *testing.T) {
	t.Parallel()
	_, port, err := net.SplitHostPort(testproc.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	hosts := []string{"127.0.0.11", "127.0.0.12", "127.0.0.13"}
	names := dnstest.Start(t)
	names.Set(hosts...)
	c := newCluster(t, "kafka", migratedDatabases(t), "LOYALTY_LEDGER_ADDRESS=dns://"+names.Address+"/users.test:"+port)
	c.environ["users"] = []string{"LOYALTY_INTERNAL_LISTEN=" + hosts[0] + ":" + port}
	for n, host := range hosts[1:] {
		name := replica("users", n+1)
		c.replicas["users"] = append(c.replicas["users"], name)
		c.listen[name], c.environ[name] = testproc.FreeAddress(t), []string{"LOYALTY_INTERNAL_LISTEN=" + host + ":" + port}
	}
	c.open()
	usersReplicaKilled(t, c)
}

// usersReplicaKilled kills a users replica during claims. Every claim must succeed and be paid once.
func usersReplicaKilled(t *testing.T, c *cluster) {
	const claims = 30
	type claim struct {
		player    client
		promotion string
	}
	all := make([]claim, claims)
	for i := range all {
		all[i].player, all[i].promotion = newAssignment(t, c.platform, "3.00")
	}
	var wg sync.WaitGroup
	var answered atomic.Int64
	aThirdDone := make(chan struct{})
	next := make(chan claim)
	for range 6 {
		wg.Go(func() {
			for cl := range next {
				a, err := cl.player.try("POST", "/api/v1/promotions/claim", object{"promotion_id": cl.promotion})
				if err != nil || a.status != 200 {
					t.Errorf("claim: got %v, %v, want status 200", a, err)
				}
				if answered.Add(1) == claims/3 {
					close(aThirdDone)
				}
			}
		})
	}
	wg.Go(func() {
		defer close(next)
		for _, cl := range all {
			next <- cl
		}
	})
	<-aThirdDone
	killed := c.replicas["users"][1]
	c.kill(killed)
	wg.Wait()
	for _, cl := range all {
		paidOnce(t, cl.player, "3.00")
	}
	for _, name := range c.replicas["users"] {
		const add = "/loyalty.users.v1.LedgerService/AddTransaction"
		if name == killed {
			continue
		}
		if calls, _ := c.scrape(name).Find("loyalty_internal_requests_total", "procedure", add, "code", "OK"); calls == 0 {
			t.Errorf("%s answered no call of AddTransaction, want at least one", name)
		}
	}
	if lines := c.logged("promotions", "circuit breaker changed state"); len(lines) > 0 {
		t.Errorf("the circuit breaker changed its state: %q", lines)
	}
	c.launch(killed)
	c.awaitReplica(killed)
	c.verify(t)
}
