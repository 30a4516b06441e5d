package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	gorilla "github.com/gorilla/websocket"
	"google.golang.org/grpc/test/bufconn"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/websocket"
)

func TestLogoutClosesConnections(t *testing.T) {
	w := newWorld(t)
	// The published message must close the connections, not the recheck.
	r := w.start(t, func(c *websocket.Config) { c.RecheckInterval = time.Hour })
	player := uuid.New()
	token, session := w.login(t, player, authn.RolePlayer)
	otherToken, _ := w.login(t, player, authn.RolePlayer)
	first, second := r.connect(t, token, ""), r.connect(t, token, "")
	other := r.connect(t, otherToken, "")
	w.awaitSubscription(t)
	if _, err := w.sessions.EndSession(t.Context(), session.User, session.ID); err != nil {
		t.Fatal(err)
	}
	first.expectClose(t, 4401)
	second.expectClose(t, 4401)
	r.notify(t, player, 1, 1)
	other.expectTitles(t, 1, 1)
}

// awaitSubscription waits until a replica has subscribed to ended sessions.
func (w *world) awaitSubscription(t *testing.T) {
	t.Helper()
	await(t, "the subscription to ended sessions", func() bool {
		channels, err := w.admin.Do(t.Context(), w.admin.B().PubsubChannels().Pattern("*session*").Build()).AsStrSlice()
		return err == nil && len(channels) > 0
	})
}

func TestRecheckFindsEndedSession(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) { c.RecheckInterval = 20 * time.Millisecond })
	token, session := w.login(t, uuid.New(), authn.RolePlayer)
	c := r.connect(t, token, "")
	w.command(t, "DEL", "session:"+session.ID.String())
	c.expectClose(t, 4401)
}

func TestExpiredTokenClosesConnection(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	player := uuid.New()
	_, session := w.login(t, player, authn.RolePlayer)
	// On a loaded machine the token may expire before the handshake. The test then retries with twice the lifetime.
	for lifetime := time.Second; ; lifetime *= 2 {
		token := w.sign(t, player, session.ID, time.Now().Add(lifetime-authn.Leeway))
		conn, response, err := dialer.DialContext(t.Context(), r.address(""), http.Header{"Authorization": {"Bearer " + token}})
		if err == nil {
			defer func() { _ = conn.Close() }()
			(&client{conn}).expectClose(t, 4401)
			return
		}
		if response == nil || response.StatusCode != http.StatusUnauthorized || lifetime > waitTimeout {
			t.Fatalf("connect: %v", err)
		}
	}
}

func TestShutdown(t *testing.T) {
	w := newWorld(t)
	r, other := w.start(t, func(c *websocket.Config) { c.CloseTimeout = waitTimeout }), w.start(t, nil)
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	clients := []*client{r.connect(t, token, ""), r.connect(t, token, "")}
	closed := make(chan error, len(clients))
	for _, c := range clients {
		go func() {
			_, err := c.read()
			closed <- err
		}()
	}
	silent := r.connect(t, token, "") // answers the close frame only when it reads
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		r.stop()
	}()
	for range clients {
		if err := <-closed; !gorilla.IsCloseError(err, 1001) {
			t.Errorf("closed with %v, want 1001", err)
		}
	}
	await(t, "the clients that answered the close frame to be released", func() bool { return r.hub.Sockets() == 1 })
	r.expectRefused(t, token, http.StatusServiceUnavailable)
	silent.expectClose(t, 1001)
	<-stopped
	if n := r.hub.Sockets(); n != 0 {
		t.Errorf("the hub has %d sockets after the shutdown, want 0", n)
	}
	r.expectRefused(t, token, http.StatusServiceUnavailable)
	survivor := other.connect(t, token, "")
	other.notify(t, player, 1, 1)
	survivor.expectTitles(t, 1, 1)
}

func TestShutdownAbortsSilentClient(t *testing.T) {
	for name, tt := range map[string]struct{ timeout, budget time.Duration }{
		"after the close timeout":   {50 * time.Millisecond, waitTimeout},
		"after the shutdown budget": {time.Hour, 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.start(t, func(c *websocket.Config) { c.CloseTimeout = tt.timeout })
			token, _ := w.login(t, uuid.New(), authn.RolePlayer)
			silent := r.connect(t, token, "") // does not answer the close frame
			r.stopWithin(tt.budget)
			if n := r.hub.Sockets(); n != 0 {
				t.Errorf("the hub has %d sockets after the shutdown, want 0", n)
			}
			_, err := silent.read()
			if timeout, ok := errors.AsType[net.Error](err); err == nil || ok && timeout.Timeout() {
				t.Errorf("the client got %v, want the end of the connection", err)
			}
		})
	}
}

func TestPings(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) { c.PingInterval, c.PongTimeout = 20*time.Millisecond, waitTimeout })
	strict := w.start(t, func(c *websocket.Config) {
		c.PingInterval, c.PongTimeout = 20*time.Millisecond, 200*time.Millisecond
	})
	token, _ := w.login(t, uuid.New(), authn.RolePlayer)
	alive := r.connect(t, token, "")
	pings := make(chan struct{}, 100)
	pong := alive.conn.PingHandler()
	alive.conn.SetPingHandler(func(data string) error {
		pings <- struct{}{}
		return pong(data)
	})
	dead := strict.connect(t, token, "") // does not answer pings
	dead.conn.SetPingHandler(func(string) error { return nil })
	ended := make(chan error, 2)
	for _, c := range []*client{alive, dead} {
		go func() {
			_, err := c.read()
			ended <- err
		}()
	}
	for range 3 {
		<-pings
	}
	if err := <-ended; err == nil {
		t.Fatal("a client received a frame")
	}
	await(t, "the dead connection to be released", func() bool { return strict.hub.Sockets() == 0 })
	if n := r.hub.Sockets(); n != 1 {
		t.Errorf("the hub of the live connection has %d sockets, want 1", n)
	}
	for range 3 {
		<-pings
	}
}

func TestClientMessages(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) { c.MaxIgnoredMessages, c.CloseTimeout = 3, waitTimeout })
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	for name, tt := range map[string]struct {
		send func(*gorilla.Conn) error
		code int
	}{
		"too many messages": {func(c *gorilla.Conn) error {
			for range 4 {
				if err := c.WriteMessage(gorilla.TextMessage, []byte(`{"hello":1}`)); err != nil {
					return err
				}
			}
			return nil
		}, 1008},
		"message too long": {func(c *gorilla.Conn) error {
			return c.WriteMessage(gorilla.BinaryMessage, bytes.Repeat([]byte("x"), 5<<10))
		}, 1009},
		"fragmented message too long": {func(c *gorilla.Conn) error {
			w, err := c.NextWriter(gorilla.TextMessage)
			for i := 0; i < 50 && err == nil; i++ {
				_, err = fmt.Fprintf(w, "%0200d", i)
			}
			return err
		}, 1009},
		"pings without end": {flood(func(c *gorilla.Conn) error {
			return c.WriteControl(gorilla.PingMessage, nil, time.Time{})
		}), 1008},
		"pongs without end": {flood(func(c *gorilla.Conn) error {
			return c.WriteControl(gorilla.PongMessage, nil, time.Time{})
		}), 1008},
		"empty fragments without end": {flood(func(c *gorilla.Conn) error {
			_, err := c.NetConn().Write([]byte{0x00, 0x80, 0, 0, 0, 0})
			return err
		}, 0x01, 0x80, 0, 0, 0, 0), 1008},
		"unmasked garbage": {func(c *gorilla.Conn) error {
			_, err := c.NetConn().Write([]byte("\x83\x00garbage\xff\xff\xff"))
			return err
		}, 1002},
		"reserved bits": {func(c *gorilla.Conn) error {
			_, err := c.NetConn().Write([]byte{0xf1, 0x80, 0, 0, 0, 0})
			return err
		}, 1002},
	} {
		t.Run(name, func(t *testing.T) {
			c := r.connect(t, token, "")
			if err := tt.send(c.conn); err != nil {
				t.Fatal(err)
			}
			c.expectClose(t, tt.code)
		})
	}
	await(t, "all sockets to be released", func() bool { return r.hub.Sockets() == 0 })
	c := r.connect(t, token, "")
	if err := c.conn.WriteMessage(gorilla.TextMessage, []byte("keep-alive")); err != nil {
		t.Fatal(err)
	}
	r.notify(t, player, 1, 1)
	c.expectTitles(t, 1, 1)
}

// flood returns a function that writes first, and then frames of six bytes until the limit is exceeded.
func flood(send func(*gorilla.Conn) error, first ...byte) func(*gorilla.Conn) error {
	return func(c *gorilla.Conn) error {
		_, err := c.NetConn().Write(first)
		for n := 0; n <= limits.SocketBytes+20*limits.SocketBytesPerSecond && err == nil; n += 6 {
			err = send(c)
		}
		return err
	}
}

func TestSlowClient(t *testing.T) {
	const count, size = 64, 64 << 10
	w := newWorld(t)
	r := w.start(t, func(c *websocket.Config) { c.QueueLength, c.WriteTimeout = 16, 10*waitTimeout })
	player := uuid.New()
	token, _ := w.login(t, player, authn.RolePlayer)
	slow := r.connectUnbuffered(t, token)
	fast := r.connect(t, token, "")
	large := bytes.Repeat([]byte("x"), size)
	for i := range count {
		err := r.service.Notify(t.Context(), notifications.Notice{
			EventID: strconv.Itoa(i), UserID: player, Type: "promotion",
			Content: map[string]any{"title": strconv.Itoa(i + 1), "description": string(large)},
		})
		if err != nil {
			t.Fatal(err)
		}
		fast.expectTitles(t, i+1, i+1) // a slow client does not delay others
	}
	last, seen := "", 0
	for {
		f, err := slow.read()
		if gorilla.IsCloseError(err, 1013) {
			break
		}
		if err != nil {
			t.Fatalf("closed with %v, want 1013", err)
		}
		seen++
		if got := title(t, f); got != strconv.Itoa(seen) {
			t.Fatalf("got notification %s, want %d", got, seen)
		}
		last = f.GetNotification().GetId()
	}
	if seen == 0 || seen == count {
		t.Fatalf("the slow client got %d frames, want more than 0 and fewer than %d", seen, count)
	}
	resumed := r.connect(t, token, "?since="+last)
	resumed.expectTitles(t, seen+1, count)
}

// connectUnbuffered opens an in-memory connection with a buffer of about one frame of TestSlowClient. The buffer of a
// network connection depends on the operating system.
func (r *replica) connectUnbuffered(t *testing.T, token string) *client {
	t.Helper()
	listener := bufconn.Listen(64 << 10)
	server := &http.Server{Handler: r.handler, ReadHeaderTimeout: waitTimeout}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	d := dialer
	d.NetDialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
	return r.dial(t, d, token, "")
}

func TestHandshakeWithoutStore(t *testing.T) {
	w := newWorld(t)
	r := w.start(t, nil)
	token, _ := w.login(t, uuid.New(), authn.RolePlayer)
	w.role.Close()
	r.expectRefused(t, token, http.StatusServiceUnavailable)
	if n := r.hub.Sockets(); n != 0 {
		t.Errorf("the hub has %d sockets, want 0", n)
	}
}
