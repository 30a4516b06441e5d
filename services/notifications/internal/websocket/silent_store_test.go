package websocket_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/websocket"
)

// silence makes the store answer nothing until the function that it returns is called.
func (w *world) silence(t *testing.T) (end func()) {
	t.Helper()
	tx, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end = func() { _ = tx.Rollback(context.Background()) }
	t.Cleanup(end)
	if _, err := tx.Exec(t.Context(), "LOCK TABLE notifications IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	return end
}

// asked waits until somebody waits for the silent store.
func (w *world) asked(t *testing.T) {
	t.Helper()
	await(t, "the store to be asked", func() bool {
		var waiting int
		err := w.pool.QueryRow(t.Context(),
			`SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'notifications'::regclass`).Scan(&waiting)
		return err == nil && waiting > 0
	})
}

// behind makes all connections of the replicas ask the store.
func (w *world) behind(t *testing.T) {
	t.Helper()
	w.command(t, "CLIENT", "KILL", "TYPE", "pubsub")
	w.asked(t)
}

func TestPingsWhileTheStoreIsSilent(t *testing.T) {
	const ping, pong, clients = 20 * time.Millisecond, 1500 * time.Millisecond, 12 // more clients than may read at once
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) { c.Ping, c.Pong, c.Store = ping, pong, patience })
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	r.connect(t, token, "") // stays, so that those who come later are not read for once more
	w.followed(t, player)
	type heard struct {
		pings  chan struct{}
		frames chan *notificationsv1.Frame
	}
	all := make([]heard, clients)
	for i := range all {
		c := r.connect(t, token, "")
		h := heard{make(chan struct{}, 10_000), make(chan *notificationsv1.Frame, 10)}
		answer := c.conn.PingHandler()
		c.conn.SetPingHandler(func(data string) error {
			h.pings <- struct{}{}
			return answer(data)
		})
		all[i] = h
		go func() {
			defer close(h.frames)
			for {
				f, err := c.read()
				if err != nil {
					return
				}
				h.frames <- f
			}
		}()
	}
	w.lose(t, player, 1, 1)
	speak := w.silence(t)
	w.behind(t)
	for _, h := range all {
		for len(h.pings) > 0 {
			<-h.pings
		}
	}
	for i, h := range all { // for longer than a connection lives unheard
		for range 2 * (ping + pong) / ping {
			select {
			case <-h.pings:
			case <-h.frames:
				t.Fatalf("connection %d was told something, or was lost", i)
			case <-time.After(patience):
				t.Fatalf("connection %d gets no pings", i)
			}
		}
	}
	speak()
	for i, h := range all {
		if f := <-h.frames; f == nil || title(t, f) != "1" {
			t.Fatalf("connection %d got %v afterwards", i, f)
		}
	}
}

// followed waits until a replica hears what is published for the player.
func (w *world) followed(t *testing.T, player uuid.UUID) {
	t.Helper()
	channel := "notifications:" + player.String()
	await(t, "a replica to follow the player", func() bool {
		n, err := w.admin.Do(t.Context(), w.admin.B().PubsubNumsub().Channel(channel).Build()).AsIntMap()
		return err == nil && n[channel] > 0
	})
}

func TestEndedSessionWhileTheStoreIsSilent(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) { c.Recheck, c.Store = 20*time.Millisecond, time.Hour })
	player := uuid.New()
	token, session := w.login(t, player, authn.RolePlayer)
	c := r.connect(t, token, "")
	w.silence(t)
	w.behind(t)
	if err := w.sessions.EndSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	c.expectClose(t, 4401)
}

func TestShutdownWhileTheStoreIsSilent(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) { c.Store = time.Hour })
	token, _ := w.login(t, uuid.New(), authn.RolePlayer)
	c := r.connect(t, token, "")
	w.silence(t)
	w.behind(t)
	// A handshake under way is in the way of nothing either.
	refused := make(chan int, 1)
	go func() {
		_, response, err := dialer.DialContext(t.Context(), r.address(""), http.Header{"Authorization": {"Bearer " + token}})
		if err == nil || response == nil {
			refused <- 0
			return
		}
		refused <- response.StatusCode
	}()
	await(t, "a place for the handshake", func() bool { return r.hub.Sockets() == 2 })
	go r.stop()
	c.expectClose(t, 1001)
	if status := <-refused; status != 503 {
		t.Errorf("the handshake under way ends with %d, want 503", status)
	}
	await(t, "the places to be free", func() bool { return r.hub.Sockets() == 0 })
}

func TestHandshakeWhileTheStoreIsSilent(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) { c.Store = 100 * time.Millisecond })
	token, _ := w.login(t, uuid.New(), authn.RolePlayer)
	speak := w.silence(t)
	for _, query := range []string{"", "?since=" + uuid.NewString()} {
		_, response, err := dialer.DialContext(t.Context(), r.address(query), http.Header{"Authorization": {"Bearer " + token}})
		if err == nil || response == nil || response.StatusCode != 503 {
			t.Errorf("connecting to %q: %v, %v, want status 503", query, response, err)
		}
	}
	if n := r.hub.Sockets(); n != 0 {
		t.Errorf("%d places are held", n)
	}
	speak()
	w.start(t, nil).connect(t, token, "") // where time is no matter
}
