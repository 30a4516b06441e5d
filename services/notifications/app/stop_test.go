package app_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/notifications/app"
)

// stuckBus is a bus whose subscriptions end only after release is closed.
type stuckBus struct {
	event.Bus // never used

	subscribed, release chan struct{}
}

func (b stuckBus) Subscribe(context.Context, event.Subscription) error {
	close(b.subscribed)
	<-b.release
	return nil
}

func TestShutdownWithStuckConsumer(t *testing.T) {
	w := mongoWorld(t)
	bus := stuckBus{subscribed: make(chan struct{}), release: make(chan struct{})}
	config := w.config
	config.Bus = bus
	a, err := app.New(t.Context(), config, w.log)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	server := httptest.NewServer(a.Handler())
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	conn := open(t, server.URL, w.login(t, uuid.New(), authn.RolePlayer))
	<-bus.subscribed
	cancel()
	if err := conn.SetReadDeadline(time.Now().Add(waitTimeout)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("the connection was closed with %v, want 1001", err)
	}
	close(bus.release)
	if err := <-ran; err != nil {
		t.Errorf("Run: %v", err)
	}
}
