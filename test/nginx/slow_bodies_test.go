package nginx_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/gateway/nginxtest"
	"github.com/casino-loyalty/loyalty/internal/limits"
)

// TestSlowBodies sends parts of as many bodies as an address may have in progress. Nginx refuses further requests of this
// address, except WebSockets, and serves another address. It stores no body of the WebSocket route.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	const path = "/api/v1/promotions"
	s := start(t, nginxtest.Config{})
	var slow []net.Conn
	for range limits.NginxRequestsPerAddress {
		slow = append(slow, startBody(t, s.Address, path))
	}
	for _, method := range []string{"POST", "GET"} {
		resp, body := s.ask(t, method, path, nil, nil)
		checkProblem(t, resp, body, apperr.RateLimited, path)
	}
	upgrade := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}
	if resp, body := s.ask(t, "GET", "/notifications/ws", upgrade, nil); resp.StatusCode != http.StatusOK {
		t.Errorf("a WebSocket of the same address got status %d: %s", resp.StatusCode, body)
	}
	another := *s
	transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	another.client = &http.Client{Transport: transport}
	if resp, body := another.ask(t, "POST", path, nil, strings.NewReader("{}")); resp.StatusCode != http.StatusOK {
		t.Errorf("a request of another address got status %d: %s", resp.StatusCode, body)
	}
	if n := s.count("promotions"); n != 1 {
		t.Errorf("the service has received %d requests, want 1", n)
	}
	before := s.count("notifications")
	startBody(t, s.Address, "/notifications/ws")
	policy := backoff.Policy{Initial: 20 * time.Millisecond, Timeout: time.Minute}
	err := backoff.Retry(t.Context(), policy, func(context.Context) error {
		if n := s.count("notifications") - before; n != 1 {
			return fmt.Errorf("notifications has received %d requests, want 1", n)
		}
		return nil
	})
	if err != nil {
		t.Errorf("Nginx does not pass on a request to the WebSocket route before its body has arrived: %v", err)
	}
	if err := slow[0].Close(); err != nil {
		t.Fatal(err)
	}
	err = backoff.Retry(t.Context(), policy, func(context.Context) error {
		if resp, body := s.ask(t, "GET", path, nil, nil); resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d: %s", resp.StatusCode, body)
		}
		return nil
	})
	if err != nil {
		t.Errorf("after the end of a request: %v", err)
	}
}

// startBody sends the headers of a request with a body of 1 MiB. When Nginx waits for the body, it starts to send a byte per
// second, and returns the connection.
func startBody(t *testing.T, address, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	const request = "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
	if _, err := fmt.Fprintf(conn, request, path, limits.Body); err != nil {
		t.Fatal(err)
	}
	status, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(status, " 100 ") {
		t.Fatalf("Nginx answered %q, %v, want 100 Continue", status, err)
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		for { // until the connection is closed
			if _, err := io.WriteString(conn, "x"); err != nil {
				return
			}
			_ = backoff.Sleep(t.Context(), time.Second)
		}
	})
	t.Cleanup(func() { _ = conn.Close(); sending.Wait() })
	return conn
}
