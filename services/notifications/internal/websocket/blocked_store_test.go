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

// blockStore blocks all reads of the store until unblock is called.
func (w *world) blockStore(t *testing.T) (unblock func()) {
	t.Helper()
	tx, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unblock = func() { _ = tx.Rollback(context.Background()) }
	t.Cleanup(unblock)
	if _, err := tx.Exec(t.Context(), "LOCK TABLE notifications IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	return unblock
}

// awaitBlockedRead waits until a read of the store is blocked.
func (w *world) awaitBlockedRead(t *testing.T) {
	t.Helper()
	await(t, "a blocked read of the store", func() bool { return w.blockedReads(t) > 0 })
}

// blockedReads returns the number of reads of the store that are blocked.
func (w *world) blockedReads(t *testing.T) int {
	t.Helper()
	var n int
	err := w.pool.QueryRow(t.Context(),
		`SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'notifications'::regclass`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// startCatchUps closes the pub/sub connections of all replicas, so that each live connection reads the store. It waits until
// the first read is blocked.
func (w *world) startCatchUps(t *testing.T) {
	t.Helper()
	w.command(t, "CLIENT", "KILL", "TYPE", "pubsub")
	w.awaitBlockedRead(t)
}

func TestPingsWhileStoreBlocks(t *testing.T) {
	const clients, pings = 12, 20 // more clients than may read the store at the same time
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) {
		c.PingInterval, c.PongTimeout, c.StoreTimeout = 20*time.Millisecond, waitTimeout, waitTimeout
	})
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	r.connect(t, token, "") // subscribes first, so that the clients below do not start a catch-up when they subscribe
	w.awaitFollower(t, player)
	type received struct {
		pings  chan struct{}
		frames chan *notificationsv1.Frame
	}
	all := make([]received, clients)
	for i := range all {
		c := r.connect(t, token, "")
		got := received{make(chan struct{}, 10_000), make(chan *notificationsv1.Frame, 10)}
		sendPong := c.conn.PingHandler()
		c.conn.SetPingHandler(func(data string) error {
			got.pings <- struct{}{}
			return sendPong(data)
		})
		all[i] = got
		go func() {
			defer close(got.frames)
			for {
				f, err := c.read()
				if err != nil {
					return
				}
				got.frames <- f
			}
		}()
	}
	w.storeOnly(t, player, 1, 1)
	unblock := w.blockStore(t)
	w.startCatchUps(t)
	for _, got := range all {
		for len(got.pings) > 0 {
			<-got.pings
		}
	}
	for i, got := range all {
		for range pings {
			select {
			case <-got.pings:
			case f := <-got.frames:
				t.Fatalf("client %d received %v or lost its connection", i, f)
			case <-time.After(waitTimeout):
				t.Fatalf("client %d received no ping", i)
			}
		}
	}
	unblock()
	for i, got := range all {
		if f := <-got.frames; f == nil || title(t, f) != "1" {
			t.Fatalf("client %d received %v after unblock, want notification 1", i, f)
		}
	}
}

// awaitFollower waits until a replica has subscribed to the player.
func (w *world) awaitFollower(t *testing.T, player uuid.UUID) {
	t.Helper()
	channel := "notifications:" + player.String()
	await(t, "a replica to follow the player", func() bool {
		n, err := w.admin.Do(t.Context(), w.admin.B().PubsubNumsub().Channel(channel).Build()).AsIntMap()
		return err == nil && n[channel] > 0
	})
}

func TestSessionEndWhileStoreBlocks(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) { c.RecheckInterval, c.StoreTimeout = 20*time.Millisecond, time.Hour })
	player := uuid.New()
	token, session := w.login(t, player, authn.RolePlayer)
	c := r.connect(t, token, "")
	w.blockStore(t)
	w.startCatchUps(t)
	if _, err := w.sessions.EndSession(t.Context(), session.User, session.ID); err != nil {
		t.Fatal(err)
	}
	c.expectClose(t, 4401)
}

func TestShutdownWhileStoreBlocks(t *testing.T) {
	const handshakes = 6 // more than the semaphore admits, so some of them wait for it
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) { c.StoreTimeout = time.Hour })
	token, _ := w.login(t, uuid.New(), authn.RolePlayer)
	c := r.connect(t, token, "")
	w.blockStore(t)
	w.startCatchUps(t)
	responses := make(chan *http.Response, handshakes)
	for range handshakes {
		go func() { responses <- r.refusedHandshake(t, token, "") }()
	}
	await(t, "the sockets of the handshakes", func() bool { return r.hub.Sockets() == 1+handshakes })
	await(t, "the reads of four handshakes and a catch-up", func() bool { return w.blockedReads(t) == 5 })
	go r.stop()
	c.expectClose(t, 1001)
	for range handshakes {
		if response := <-responses; response != nil {
			expectRetryAfter(t, response, http.StatusServiceUnavailable)
		}
	}
	await(t, "all sockets to be released", func() bool { return r.hub.Sockets() == 0 })
}

func TestHandshakeWhileStoreBlocks(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) { c.StoreTimeout = 100 * time.Millisecond })
	token, _ := w.login(t, uuid.New(), authn.RolePlayer)
	unblock := w.blockStore(t)
	for _, query := range []string{"", "?since=" + uuid.NewString()} {
		if response := r.refusedHandshake(t, token, query); response != nil {
			expectRetryAfter(t, response, http.StatusServiceUnavailable)
		}
	}
	if n := r.hub.Sockets(); n != 0 {
		t.Errorf("the hub has %d sockets, want 0", n)
	}
	unblock()
	w.start(t, func(c *websocket.Config) { c.StoreTimeout = waitTimeout }).connect(t, token, "")
}
