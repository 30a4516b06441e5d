package gateway_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/gateway"
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
