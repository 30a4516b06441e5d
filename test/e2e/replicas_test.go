package e2e_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/rpcserver/dnstest"
)

// TestKilledUsersReplicaLosesNoClaim kills one of three users replicas during claims. Every claim must succeed and be paid
// once.
func TestKilledUsersReplicaLosesNoClaim(t *testing.T) {
	t.Parallel()
	_, port, err := net.SplitHostPort(freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	hosts := []string{"127.0.0.11", "127.0.0.12", "127.0.0.13"}
	names := dnstest.Start(t)
	names.Set(hosts...)
	c := newCluster(t, "kafka", migratedDatabases(t),
		"LOYALTY_LEDGER_ADDRESS=dns://"+names.Address+"/users.test:"+port, "LOYALTY_INTERNAL_LISTEN="+hosts[0]+":"+port)
	for _, host := range hosts[1:] {
		addr := freeAddr(t)
		name := "users at " + host
		c.run(name, "users", c.settings, addr, "LOYALTY_INTERNAL_LISTEN="+host+":"+port, "LOYALTY_ACCESS_LOG=all")
		eventually(t, name+" is ready", func() error { return c.processes[name].alive(t, "http://"+addr) })
	}
	c.open()
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
	c.kill("users at 127.0.0.12")
	wg.Wait()
	for _, cl := range all {
		paidOnce(t, cl.player, "3.00")
	}
	for _, host := range hosts[1:] {
		if len(c.processes["users at "+host].logged("AddTransaction")) == 0 {
			t.Errorf("the replica at %s logged no call of AddTransaction, want at least one", host)
		}
	}
	if n := len(c.processes["promotions"].logged("circuit breaker changed state")); n > 0 {
		t.Errorf("the circuit breaker changed its state %d times, want 0", n)
	}
	c.verify(t)
}
