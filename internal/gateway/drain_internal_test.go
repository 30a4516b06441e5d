package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// TestStopBehindAProxy uses an idle connection after Stop. The request must succeed, and the answer must tell the proxy to
// close the connection.
func TestStopBehindAProxy(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "answer") })
	s := NewServer(handler, slog.New(slog.DiscardHandler), netip.MustParsePrefix("127.0.0.0/8"))
	if s.drain != drainTime {
		t.Errorf("the server waits for %v, want %v", s.drain, drainTime)
	}
	s.drain = time.Hour // Stop must end when the connection is closed
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	get := func() *http.Response {
		t.Helper()
		res, err := client.Get("http://" + listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if body, err := io.ReadAll(res.Body); err != nil || string(body) != "answer" {
			t.Errorf("got %q, %v", body, err)
		}
		return res
	}
	if get().Close {
		t.Error("the server closes a connection before Stop")
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(context.WithoutCancel(t.Context())) }()
	for !s.draining.Load() {
		runtime.Gosched()
	}
	if !get().Close {
		t.Error("the server keeps the connection open after Stop")
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
