package websocket_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/websocket"
)

func TestResume(t *testing.T) {
	w := newWorld(t)
	here, there := w.start(t, nil), w.start(t, nil)
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	c := here.connect(t, token, "")
	here.notify(t, player, 1, 2)
	c.expectTitles(t, 1, 1)
	seen := c.next(t).GetNotification().GetId()
	if err := c.conn.Close(); err != nil {
		t.Fatal(err)
	}
	here.notify(t, player, 3, 120) // more than two pages
	resumed := there.connect(t, token, "?since="+seen)
	there.notify(t, player, 123, 3)
	resumed.expectTitles(t, 3, 125)
}

func TestResumeDuringDelivery(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	r.notify(t, player, 1, 60)
	first, err := w.store.Since(t.Context(), player, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	published := make(chan struct{})
	go func() {
		defer close(published)
		r.notify(t, player, 61, 200)
	}()
	var clients []*client
	for range 8 {
		clients = append(clients, r.connect(t, token, "?since="+first[0].ID.String()))
	}
	for _, c := range clients {
		c.expectTitles(t, 2, 260)
	}
	<-published
}

func TestReset(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	player, other := uuid.New(), uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	r.notify(t, player, 1, 2)
	r.notify(t, other, 1, 1)
	theirs, err := w.store.Since(t.Context(), other, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	next := 3
	for name, query := range map[string]string{
		"unknown":          "?since=" + uuid.New().String(),
		"another player's": "?since=" + theirs[0].ID.String(),
		"malformed":        "?since=%00'OR",
		"empty":            "?since=",
		"two ids":          "?since=" + theirs[0].ID.String() + "&since=" + theirs[0].ID.String(),
	} {
		t.Run(name, func(t *testing.T) {
			c := r.connect(t, token, query)
			if f := c.next(t); f.GetReset_() == nil || f.GetReset_().GetReason() == "" {
				t.Fatalf("got %v, want a reset with a reason", f)
			}
			r.notify(t, player, next, 1)
			c.expectTitles(t, next, next) // live notifications only, no older ones
			next++
		})
	}
}

func TestLostMessage(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	c := r.connect(t, token, "")
	r.notify(t, player, 1, 1)
	c.expectTitles(t, 1, 1)
	w.storeOnly(t, player, 2, 3)
	r.notify(t, player, 5, 1)
	c.expectTitles(t, 2, 5)
}

func TestLostConnectionToRedis(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	c := r.connect(t, token, "")
	r.notify(t, player, 1, 1)
	c.expectTitles(t, 1, 1)
	w.storeOnly(t, player, 2, 2)
	if _, err := w.pool.Exec(t.Context(), "UPDATE notifications SET read = true WHERE user_id = $1 AND seq = 1", player); err != nil {
		t.Fatal(err)
	}
	w.command(t, "CLIENT", "KILL", "TYPE", "pubsub")
	c.expectTitles(t, 2, 3) // although nothing is published
	if f := c.next(t); f.GetRead() == nil || f.GetRead().GetUnread() != 2 {
		t.Errorf("got %v, want a read state with 2 unread notifications, because the read state was lost too", f)
	}
	w.storeOnly(t, player, 4, 1)
	w.command(t, "CLIENT", "KILL", "TYPE", "pubsub")
	c.expectTitles(t, 4, 4)
	r.notify(t, player, 5, 1)
	c.expectTitles(t, 5, 5) // and no read state, because nothing was marked
}

func TestRedisRestart(t *testing.T) {
	w := newWorld(t, "--enable-debug-command", "yes")
	// This Redis loses the sessions when it restarts. The recheck must not close the connections because of that.
	noRecheck := func(c *websocket.Config) { c.RecheckInterval = time.Hour }
	publisher, holder := w.start(t, noRecheck), w.start(t, noRecheck)
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	c := holder.connect(t, token, "")
	publisher.notify(t, player, 1, 1)
	c.expectTitles(t, 1, 1)
	// Redis closes the connection instead of answering.
	_ = w.admin.Do(t.Context(), w.admin.B().Arbitrary("DEBUG", "RESTART").Build()).Error()
	publisher.notify(t, player, 2, 20)
	for i := 2; i <= 21; {
		f := c.next(t)
		if f.GetRead() != nil { // each reconnection sends the unread count
			continue
		}
		if got := title(t, f); got != strconv.Itoa(i) {
			t.Fatalf("got notification %s, want %d", got, i)
		}
		i++
	}
}

func TestPublishDeniedByRedis(t *testing.T) {
	w := newWorld(t)
	publisher, holder := w.start(t, nil), w.start(t, nil)
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	c := holder.connect(t, token, "")
	w.command(t, "ACL", "SETUSER", "default", "-publish")
	publisher.notify(t, player, 1, 3)
	w.command(t, "ACL", "SETUSER", "default", "+publish")
	c.expectTitles(t, 1, 3)
	publisher.notify(t, player, 4, 1)
	c.expectTitles(t, 4, 4)
}
