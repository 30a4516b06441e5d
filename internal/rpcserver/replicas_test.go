package rpcserver_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/resolver/dns"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/dnstest"
)

func TestMain(m *testing.M) {
	dns.SetMinResolutionInterval(50 * time.Millisecond) // cmd/loyalty shortens the interval too
	os.Exit(m.Run())
}

// credits is the fake store that the replicas share. It counts one credit per idempotency key.
type credits struct {
	mu      sync.Mutex
	entries map[string]int
}

// replica is an internal server. Each replica has its own loopback address.
type replica struct {
	usersv1.UnimplementedLedgerServiceServer
	shared *credits
	health *health.Server
	server *grpc.Server
	calls  atomic.Int32
	// hold makes each call wait, after the credit, until its context ends.
	hold atomic.Bool
}

func (r *replica) AddTransaction(ctx context.Context, q *usersv1.AddTransactionRequest) (*usersv1.AddTransactionResponse, error) {
	r.calls.Add(1)
	r.shared.mu.Lock()
	if r.shared.entries[q.GetIdempotencyKey()] == 0 {
		r.shared.entries[q.GetIdempotencyKey()]++
	}
	r.shared.mu.Unlock()
	if r.hold.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &usersv1.AddTransactionResponse{Transaction: &usersv1.Transaction{Id: q.GetIdempotencyKey(), Amount: q.GetAmount()}}, nil
}

// group is a set of replicas with the same DNS name and port.
type group struct {
	t      *testing.T
	dns    *dnstest.Server
	port   string
	shared *credits
	maxAge time.Duration // of a connection
	tls    rpcserver.TLSFiles
}

func newGroup(t *testing.T, maxAge time.Duration) *group {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.11:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	return &group{t: t, dns: dnstest.Start(t), port: port, shared: &credits{entries: map[string]int{}}, maxAge: maxAge}
}

func (g *group) start(host string) *replica {
	g.t.Helper()
	r := &replica{shared: g.shared, health: health.NewServer()}
	var err error
	r.server, err = rpcserver.NewInternal(rpcserver.InternalConfig{
		Token: internalToken, Log: slog.New(slog.DiscardHandler), Health: r.health, MaxConnectionAge: g.maxAge, TLS: g.tls,
	})
	if err != nil {
		g.t.Fatal(err)
	}
	usersv1.RegisterLedgerServiceServer(r.server, r)
	listener, err := net.Listen("tcp", net.JoinHostPort(host, g.port))
	if err != nil {
		g.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- r.server.Serve(listener) }()
	g.t.Cleanup(func() {
		r.server.Stop()
		if err := <-done; err != nil {
			g.t.Error(err)
		}
	})
	return r
}

func (g *group) dial(files rpcserver.TLSFiles) usersv1.LedgerServiceClient {
	g.t.Helper()
	conn, err := rpcserver.DialInternal(rpcserver.DialConfig{
		Address: fmt.Sprintf("dns://%s/ledger.test:%s", g.dns.Address, g.port), Token: internalToken, TLS: files,
	})
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = conn.Close() })
	return usersv1.NewLedgerServiceClient(conn)
}

// call sends n calls with new keys. All of them must succeed.
func (g *group) call(c usersv1.LedgerServiceClient, n int, prefix string) {
	g.t.Helper()
	for i := range n {
		r := credit()
		r.IdempotencyKey = prefix + strconv.Itoa(i)
		if _, err := c.AddTransaction(g.t.Context(), r); err != nil {
			g.t.Errorf("call %s: %v", r.GetIdempotencyKey(), err)
		}
	}
}

// callUntil sends calls until holds returns true. All calls must succeed. condition describes holds in failure messages.
func (g *group) callUntil(c usersv1.LedgerServiceClient, condition string, holds func() bool) {
	g.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for i := 0; !holds(); i++ {
		if time.Now().After(deadline) {
			g.t.Fatalf("timeout while waiting until %s", condition)
		}
		g.call(c, 1, condition+strconv.Itoa(i)+"-")
	}
}

// gotCalls returns a function that reports whether each replica has received a call since gotCalls was called.
func gotCalls(replicas ...*replica) func() bool {
	before := make([]int32, len(replicas))
	for i, r := range replicas {
		before[i] = r.calls.Load()
	}
	return func() bool {
		for i, r := range replicas {
			if r.calls.Load() == before[i] {
				return false
			}
		}
		return true
	}
}

func TestCallsAreSpreadOverTheReplicas(t *testing.T) {
	g := newGroup(t, 0)
	one, two, three := g.start("127.0.0.11"), g.start("127.0.0.12"), g.start("127.0.0.13")
	g.dns.Set("127.0.0.11", "127.0.0.12", "127.0.0.13")
	client := g.dial(rpcserver.TLSFiles{})
	g.callUntil(client, "all replicas get calls", gotCalls(one, two, three))
	before := []int32{one.calls.Load(), two.calls.Load(), three.calls.Load()}
	g.call(client, 30, "spread")
	for i, r := range []*replica{one, two, three} {
		if n := r.calls.Load() - before[i]; n != 10 {
			t.Errorf("replica %d got %d of 30 calls, want 10", i+1, n)
		}
	}

	two.health.SetServingStatus("", healthv1.HealthCheckResponse_NOT_SERVING)
	g.callUntil(client, "the client notices that a replica is not ready", func() bool {
		before := two.calls.Load()
		g.call(client, 6, "probe"+strconv.Itoa(int(before))+"-")
		return two.calls.Load() == before
	})
	callsBefore := two.calls.Load()
	g.call(client, 30, "unready")
	if n := two.calls.Load() - callsBefore; n != 0 {
		t.Errorf("a replica that is not ready got %d calls, want none", n)
	}
	two.health.SetServingStatus("", healthv1.HealthCheckResponse_SERVING)
	g.callUntil(client, "the ready replica gets calls again", gotCalls(two))
}

// A replica is stopped after it has credited calls and before it has answered them. The client retries the calls on the
// other replicas with the same idempotency keys.
func TestKilledReplicaLosesNoCall(t *testing.T) {
	g := newGroup(t, 0)
	one, two, three := g.start("127.0.0.11"), g.start("127.0.0.12"), g.start("127.0.0.13")
	g.dns.Set("127.0.0.11", "127.0.0.12", "127.0.0.13")
	client := g.dial(rpcserver.TLSFiles{})
	g.callUntil(client, "all replicas get calls", gotCalls(one, two, three))
	one.hold.Store(true)
	held := gotCalls(one)
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() { g.call(client, 1, fmt.Sprintf("killed%d-", i)) })
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !held() {
		<-tick.C
	}
	one.server.Stop()
	wg.Wait()
	g.call(client, 30, "after")
	g.shared.mu.Lock()
	defer g.shared.mu.Unlock()
	for i := range 30 {
		if n := g.shared.entries[fmt.Sprintf("killed%d-0", i)]; n != 1 {
			t.Errorf("call %d was credited %d times, want once", i, n)
		}
	}
}

func TestNewReplicaGetsCallsWithinTheConnectionAge(t *testing.T) {
	g := newGroup(t, 300*time.Millisecond)
	one := g.start("127.0.0.11")
	g.dns.Set("127.0.0.11")
	client := g.dial(rpcserver.TLSFiles{})
	g.callUntil(client, "the only replica gets calls", gotCalls(one))
	two := g.start("127.0.0.12")
	g.dns.Set("127.0.0.11", "127.0.0.12")
	g.callUntil(client, "the new replica gets calls", gotCalls(one, two))
}

// A connected client watches the server's health through a stream that does not end. A graceful stop must not
// wait for that stream.
func TestGracefulStopDoesNotWaitForHealthChecks(t *testing.T) {
	g := newGroup(t, 0)
	one, two := g.start("127.0.0.11"), g.start("127.0.0.12")
	g.dns.Set("127.0.0.11", "127.0.0.12")
	client := g.dial(rpcserver.TLSFiles{})
	g.callUntil(client, "both replicas get calls", gotCalls(one, two))
	stopped := make(chan struct{})
	go func() { one.server.GracefulStop(); close(stopped) }()
	g.callUntil(client, "the replica has stopped", func() bool {
		select {
		case <-stopped:
			return true
		default:
			return false
		}
	})
}
