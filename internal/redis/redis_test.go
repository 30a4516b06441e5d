package redis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/readiness"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
)

func open(t *testing.T, c redis.Config) rueidis.Client {
	t.Helper()
	client, err := redis.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func set(t *testing.T, client rueidis.Client, value string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return client.Do(ctx, client.B().Set().Key("k").Value(value).Build()).Error()
}

// eventually waits until check returns nil.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(60 * time.Second)
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("%s: %v", what, err)
		}
	}
}

func TestIncompleteConfig(t *testing.T) {
	for name, c := range map[string]redis.Config{
		"nothing":                  {},
		"sentinels without master": {Sentinel: redis.Sentinel{Addresses: []string{"127.0.0.1:1"}}},
		"master without sentinels": {Sentinel: redis.Sentinel{Master: "m"}},
	} {
		if _, err := redis.Open(t.Context(), c); err == nil || !strings.HasPrefix(err.Error(), "redis: ") {
			t.Errorf("%s: Open returned %v, want an error that begins with \"redis: \"", name, err)
		}
	}
}

// TestOpenErrors checks which errors mean that a later attempt may succeed.
func TestOpenErrors(t *testing.T) {
	locked := redistest.Start(t, "--requirepass", "the right one")
	closed := redistest.Start(t)
	closed.Kill()
	for name, tt := range map[string]struct {
		config redis.Config
		want   bool
	}{
		"no server":      {redis.Config{Address: closed.Address}, true},
		"wrong password": {redis.Config{Address: locked.Address, Password: "hunter2"}, false},
		"no sentinel":    {redis.Config{Sentinel: redis.Sentinel{Master: "m", Addresses: []string{closed.Address}}}, true},
		// A server that is no sentinel does not know the command.
		"not a sentinel": {
			redis.Config{Password: "the right one", Sentinel: redis.Sentinel{Master: "m", Addresses: []string{locked.Address}}}, false,
		},
	} {
		_, err := redis.Open(t.Context(), tt.config)
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if _, got := errors.AsType[*readiness.UnreachableError](err); got != tt.want {
			t.Errorf("%s: %v is an UnreachableError: %t, want %t", name, err, got, tt.want)
		}
	}
}

// TestOpenEndsWithItsContext opens a connection to a server that accepts connections and does not answer.
func TestOpenEndsWithItsContext(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if conn, err := listener.Accept(); err == nil {
			cancel()
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	}()
	_, err = redis.Open(ctx, redis.Config{Address: listener.Addr().String()})
	if _, unreachable := errors.AsType[*readiness.UnreachableError](err); err == nil || unreachable {
		t.Errorf("Open = %v, want another error than UnreachableError", err)
	}
}

func TestErrorsDoNotContainThePassword(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "the right one")
	_, err := redis.Open(t.Context(), redis.Config{Address: server.Address, Password: "hunter2"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want an error without the password", err)
	}
	open(t, redis.Config{Address: server.Address, Password: "the right one"})
}

// TestOnlyMGETGoesToReplicas detaches the replica from the master, so that both have different values.
func TestOnlyMGETGoesToReplicas(t *testing.T) {
	master := redistest.Start(t)
	host, port, _ := net.SplitHostPort(master.Address)
	replica := redistest.Start(t, "--replicaof", host, port, "--repl-diskless-sync-delay", "0")
	if err := set(t, master.Open(t), "replicated"); err != nil {
		t.Fatal(err)
	}
	direct := replica.Open(t)
	eventually(t, "the replica has synchronised", func() error {
		return direct.Do(t.Context(), direct.B().Get().Key("k").Build()).Error()
	})
	detach := direct.B().Arbitrary("REPLICAOF", "NO", "ONE").Build()
	if err := direct.Do(t.Context(), detach).Error(); err != nil {
		t.Fatal(err)
	}
	client := open(t, redis.Config{Address: master.Address, Replicas: []string{replica.Address}})
	if err := set(t, client, "newer"); err != nil {
		t.Fatal(err)
	}
	value, err := client.Do(t.Context(), client.B().Get().Key("k").Build()).ToString()
	if err != nil || value != "newer" {
		t.Errorf("GET = %q, %v; want the master's value newer", value, err)
	}
	values, err := client.Do(t.Context(), client.B().Mget().Key("k").Build()).AsStrSlice()
	if err != nil || len(values) != 1 || values[0] != "replicated" {
		t.Errorf("MGET = %q, %v; want the replica's value replicated", values, err)
	}
}

func TestOpenWithoutTheReplica(t *testing.T) {
	server := redistest.Start(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unused := l.Addr().String()
	_ = l.Close()
	client := open(t, redis.Config{Address: server.Address, Replicas: []string{unused}})
	if err := set(t, client, "v"); err != nil {
		t.Error(err)
	}
	if err := client.Do(t.Context(), client.B().Mget().Key("k").Build()).Error(); err != nil {
		t.Error(err)
	}
}

func TestSentinelFailover(t *testing.T) {
	master := redistest.Start(t)
	host, port, _ := net.SplitHostPort(master.Address)
	replica := redistest.Start(t, "--replicaof", host, port, "--repl-diskless-sync-delay", "0")
	sentinel := startSentinel(t, host, port)
	watcher := open(t, redis.Config{Address: sentinel, Plain: true}) // a sentinel has no client-side caching
	eventually(t, "the sentinel has found the replica", func() error {
		known, err := watcher.Do(t.Context(), watcher.B().Arbitrary("SENTINEL", "REPLICAS", "loyalty").Build()).ToArray()
		if err == nil && len(known) == 0 {
			err = errors.New("none yet")
		}
		return err
	})
	direct := replica.Open(t)
	eventually(t, "the replica has synchronised", func() error {
		info, err := direct.Do(t.Context(), direct.B().Info().Section("replication").Build()).ToString()
		if err == nil && !strings.Contains(info, "master_link_status:up") {
			err = errors.New("not yet")
		}
		return err
	})
	client := open(t, redis.Config{Sentinel: redis.Sentinel{Master: "loyalty", Addresses: []string{sentinel}}})
	if err := set(t, client, "before"); err != nil {
		t.Fatal(err)
	}
	master.Kill()
	if err := redis.Failure(set(t, client, "meanwhile")); err != nil && apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("write without a master: %v, want DEPENDENCY_UNAVAILABLE", err)
	}
	eventually(t, "writes are back", func() error { return set(t, client, "after") })
}

// TestSentinelWithoutReplicas opens a client while the master has no replica, as after the loss of a machine.
func TestSentinelWithoutReplicas(t *testing.T) {
	host, port, err := net.SplitHostPort(redistest.Start(t).Address)
	if err != nil {
		t.Fatal(err)
	}
	client, err := redis.Open(t.Context(), redis.Config{
		Sentinel: redis.Sentinel{Master: "loyalty", Addresses: []string{startSentinel(t, host, port)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := set(t, client, "v"); err != nil {
		t.Error(err)
	}
}

// startSentinel runs a sentinel with a quorum of one.
func startSentinel(t *testing.T, host, port string) string {
	t.Helper()
	config := filepath.Join(t.TempDir(), "sentinel.conf")
	content := fmt.Sprintf("sentinel monitor loyalty %s %s 1\nsentinel down-after-milliseconds loyalty 300\n"+
		"sentinel failover-timeout loyalty 2000\n", host, port)
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return redistest.StartSentinel(t, config).Address
}

func TestFailure(t *testing.T) {
	server := redistest.Start(t)
	client := server.Open(t)
	unknown := client.Do(t.Context(), client.B().Arbitrary("NOSUCH").Build()).Error()
	if err := redis.Failure(unknown); err == nil || apperr.CodeOf(err) != apperr.Internal {
		t.Errorf("Failure of an unknown command = %v, want INTERNAL", err)
	}
	if err := redis.Failure(context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("Failure(context.Canceled) = %v, want context.Canceled", err)
	}
	if err := redis.Failure(nil); err != nil {
		t.Errorf("Failure(nil) = %v, want nil", err)
	}
	server.Kill()
	if err := redis.Failure(set(t, client, "v")); apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("Failure without a server = %v, want DEPENDENCY_UNAVAILABLE", err)
	}
}

func TestClientReconnects(t *testing.T) {
	server := redistest.Start(t)
	client, other := server.Open(t), server.Open(t)
	if err := set(t, client, "v"); err != nil {
		t.Fatal(err)
	}
	if err := other.Do(t.Context(), other.B().Arbitrary("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "writes are back", func() error { return set(t, client, "v") })
}
