package websocket

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

type nobody struct{}

func (nobody) Follow(uuid.UUID)   {}
func (nobody) Unfollow(uuid.UUID) {}

// opened admits a socket and hands it to serve with its connection; it returns the peer's end, and the hub.
func opened(t *testing.T, serve func(*socket, *websocket.Conn)) (*websocket.Conn, *Hub) {
	t.Helper()
	hub := NewHub(DefaultConfig(), nil, nobody{}, nil, slog.New(slog.DiscardHandler))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := hub.admit(authn.Caller{UserID: uuid.New(), Session: uuid.New()}, false)
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
	peer, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	if err := peer.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return peer, hub
}

// A handshake that takes longer than the shutdown of its replica must not keep the replica from ending.
func TestSocketCutBeforeItsConnectionEnds(t *testing.T) {
	peer, hub := opened(t, func(s *socket, conn *websocket.Conn) {
		s.cut()
		s.start(conn)
	})
	if _, _, err := peer.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
		t.Errorf("the peer reads %v, want the end of the connection", err)
	}
	hub.running.Wait()
	if n := hub.Sockets(); n != 0 {
		t.Errorf("%d places are held", n)
	}
}

// What was waiting for the pump when the session ended is not sent any more.
func TestNothingIsSentOnceTheSessionHasEnded(t *testing.T) {
	peer, hub := opened(t, func(s *socket, conn *websocket.Conn) {
		s.conn, s.pumping = conn, true // the pump is this function
		s.mu.Lock()
		s.hand = []*frame.Frame{frame.Reset("told too late")}
		s.enqueue(frame.Reset("told too late"))
		s.mu.Unlock()
		s.end(codeSession, "the session has ended")
		s.hub.running.Add(1)
		s.pump()
		s.read()
	})
	if _, text, err := peer.ReadMessage(); !websocket.IsCloseError(err, codeSession) {
		t.Errorf("the peer reads %q, %v, want to be closed with 4401", text, err)
	}
	hub.running.Wait()
}
