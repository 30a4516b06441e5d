package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/gateway"
	"github.com/casino-loyalty/loyalty/internal/limits"
)

// TestStopWaitsForHandlers checks that Stop cancels a request that takes too long, and waits for its handler.
func TestStopWaitsForHandlers(t *testing.T) {
	entered, ended := make(chan struct{}), make(chan struct{})
	server := gateway.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(ended)
	}), slog.New(slog.DiscardHandler))
	address, served := serve(t, server)
	answered := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + address)
		if err == nil {
			_ = resp.Body.Close()
		}
		answered <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := server.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop returned %v, want context.DeadlineExceeded", err)
	}
	select {
	case <-ended:
	default:
		t.Error("a handler is running after Stop")
	}
	if err := <-answered; err == nil {
		t.Error("the canceled request got a response")
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func TestStopLetsRequestsFinish(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	server := gateway.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		w.WriteHeader(http.StatusNoContent)
	}), slog.New(slog.DiscardHandler))
	address, served := serve(t, server)
	status := make(chan int, 1)
	go func() {
		resp, err := http.Get("http://" + address)
		if err != nil {
			status <- 0
			return
		}
		_ = resp.Body.Close()
		status <- resp.StatusCode
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- server.Stop(t.Context()) }()
	<-served // the server has stopped listening
	close(release)
	if err := <-stopped; err != nil {
		t.Errorf("Stop returned %v", err)
	}
	if got := <-status; got != http.StatusNoContent {
		t.Errorf("the request in progress got status %d, want 204", got)
	}
}

// serve runs the server. It returns the server's address and a channel that receives the result of Serve.
func serve(t *testing.T, server *gateway.Server) (address string, served chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served = make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return listener.Addr().String(), served
}

// TestUnreadableRequestsGetProblems sends requests that net/http answers itself.
func TestUnreadableRequestsGetProblems(t *testing.T) {
	server := gateway.NewServer(gateway.New(services(), gateway.Options{}), slog.New(slog.DiscardHandler))
	address, served := serve(t, server)
	for request, want := range map[string]apperr.Code{
		"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: foo\r\n\r\n":                         apperr.ValidationFailed,
		"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n":               apperr.ValidationFailed,
		"GET /health HTTP/3.7\r\nHost: x\r\n\r\n":                                                    apperr.ValidationFailed,
		"GET /health HTTP/1.1\r\n\r\n":                                                               apperr.ValidationFailed,
		"GET /health HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n":                                   apperr.ValidationFailed,
		"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n":                                                       apperr.ValidationFailed,
		"nonsense\r\n\r\n":                                                                           apperr.ValidationFailed,
		"GET /health HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 2*limits.Header) + "\r\n\r\n": apperr.PayloadTooLarge,
		"GET /" + strings.Repeat("x", 2*limits.Header) + " HTTP/1.1\r\nHost: x\r\n\r\n":              apperr.PayloadTooLarge,
		"POST /api/v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n": apperr.ValidationFailed,
		"POST /api/v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n":                     apperr.ValidationFailed,
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%.60q: %v", request, err)
			continue
		}
		var problem struct {
			Code   apperr.Code
			Status int
		}
		if err := json.NewDecoder(res.Body).Decode(&problem); err != nil {
			t.Errorf("%.60q: %v", request, err)
		}
		if problem.Code != want || problem.Status != res.StatusCode || res.StatusCode != want.Info().HTTP || !res.Close ||
			res.Header.Get("Content-Type") != "application/problem+json" || res.Header.Get("X-Request-Id") == "" {
			t.Errorf("%.60q: got %d %v %v, want %s", request, res.StatusCode, res.Header, problem, want)
		}
		_ = conn.Close()
	}
	if err := server.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	<-served
}

// TestConnectionsPerAddress opens as many connections as one address may have, and one more.
func TestConnectionsPerAddress(t *testing.T) {
	for name, trusted := range map[string][]netip.Prefix{
		"client": nil, "trusted proxy": {netip.MustParsePrefix("127.0.0.0/8")},
	} {
		server := gateway.NewServer(gateway.New(services(), gateway.Options{}), slog.New(slog.DiscardHandler), trusted...)
		address, served := serve(t, server)
		open := make([]net.Conn, limits.ConnectionsPerAddress)
		for i := range open {
			var err error
			if open[i], err = net.Dial("tcp", address); err != nil {
				t.Fatal(err)
			}
			if !live(open[i]) {
				t.Fatalf("%s: connection %d was closed", name, i+1)
			}
		}
		more, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := live(more), trusted != nil; got != want {
			t.Errorf("%s: one more connection is served: %t, want %t", name, got, want)
		}
		_ = more.Close()
		for _, conn := range open {
			_ = conn.Close()
		}
		for { // the server notices the closed connections later
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			served := live(conn)
			_ = conn.Close()
			if served {
				break
			}
		}
		if err := server.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		<-served
	}
}

// live reports whether the server answers on a connection.
func live(conn net.Conn) bool {
	if _, err := io.WriteString(conn, "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return false
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	return err == nil && res.StatusCode == http.StatusOK
}
