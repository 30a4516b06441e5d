package websocket

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

// noFollower is a Follower that does nothing.
type noFollower struct{}

func (noFollower) Follow(uuid.UUID)   {}
func (noFollower) Unfollow(uuid.UUID) {}

// openSocket connects a client, admits a socket for it and calls serve with the server's end of the connection. It returns
// the client's end and the hub.
func openSocket(t *testing.T, serve func(*socket, *websocket.Conn)) (*websocket.Conn, *Hub) {
	t.Helper()
	hub := NewHub(DefaultConfig(), nil, noFollower{}, nil, slog.New(slog.DiscardHandler))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := hub.admit(authn.Caller{UserID: uuid.New(), Session: uuid.New()}, netip.Addr{}, false)
		if err != nil {
			t.Error(err)
			return
		}
		conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		serve(s, conn)
	}))
	t.Cleanup(server.Close)
	client, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if err := client.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return client, hub
}

// A handshake that ends after its socket was aborted does not start the connection.
func TestAbortDuringHandshake(t *testing.T) {
	client, hub := openSocket(t, func(s *socket, conn *websocket.Conn) {
		s.abort()
		s.start(conn)
	})
	if _, _, err := client.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
		t.Errorf("the client got %v, want the end of the connection", err)
	}
	hub.running.Wait()
	if n := hub.Sockets(); n != 0 {
		t.Errorf("the hub has %d sockets, want 0", n)
	}
}

func TestNoFrameAfterSessionEnd(t *testing.T) {
	client, hub := openSocket(t, func(s *socket, conn *websocket.Conn) {
		s.conn, s.writing = conn, true // this function is the writer
		s.mu.Lock()
		s.batch = []*frame.Frame{frame.Reset("too late")}
		s.queue = []*frame.Frame{frame.Reset("too late")}
		s.mu.Unlock()
		s.close(codeSession, "the session has ended")
		s.hub.running.Add(1)
		s.runWriter()
		s.runReader()
	})
	if _, text, err := client.ReadMessage(); !websocket.IsCloseError(err, codeSession) {
		t.Errorf("the client got %q, %v, want close code 4401", text, err)
	}
	hub.running.Wait()
}

// TestSocketsPerAddress admits sockets of different players from the same addresses.
func TestSocketsPerAddress(t *testing.T) {
	config := DefaultConfig()
	config.MaxSocketsPerAddress = 2
	hub := NewHub(config, nil, noFollower{}, nil, slog.New(slog.DiscardHandler))
	admit := func(address string) (*socket, apperr.Code) {
		client, _ := netip.ParseAddr(address)
		s, err := hub.admit(authn.Caller{UserID: uuid.New(), Session: uuid.New()}, client, false)
		return s, apperr.CodeOf(err)
	}
	none := apperr.CodeOf(nil)
	first, _ := admit("192.0.2.1")
	for i, step := range []struct {
		address string
		want    apperr.Code
	}{
		{"192.0.2.1", none}, {"192.0.2.1", apperr.RateLimited}, {"192.0.2.2", none}, {"", none}, {"", none}, {"", none},
	} {
		if _, code := admit(step.address); code != step.want {
			t.Errorf("step %d, address %q: got %q, want %q", i, step.address, code, step.want)
		}
	}
	first.release()
	if _, code := admit("192.0.2.1"); code != none {
		t.Errorf("after a socket was released: got %q, want a socket", code)
	}
}
