package loyalty_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

const socket = "/notifications/ws"

// script is what the server does with one connection: it sends frames and closes with a code, or refuses the handshake.
type script struct {
	frames []string
	ping   bool
	code   int
	refuse loyalty.Code
	status int
}

// serveSockets answers each connection to the WebSocket with the next script. It keeps the last connection open.
func serveSockets(t *testing.T, scripts ...script) *server {
	t.Helper()
	upgrader := websocket.Upgrader{Subprotocols: []string{"loyalty.v1"}}
	return serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
		if r.URL.Path == "/api/v1/auth/refresh" {
			fmt.Fprintf(w, `{"accessToken":"access-%d","expiresAt":%q,"refreshToken":"r"}`, n+1, time.Now().Add(time.Hour).Format(time.RFC3339))
			return
		}
		s := scripts[min(n, len(scripts))-1]
		if s.refuse != "" {
			fail(w, s.status, s.refuse, "")
			return
		}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for _, f := range s.frames {
			if conn.WriteMessage(websocket.TextMessage, []byte(f)) != nil {
				return
			}
		}
		if s.ping {
			_ = conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
		}
		if s.code != 0 {
			_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(s.code, ""), time.Now().Add(time.Second))
		}
		_, _, _ = conn.ReadMessage() // until the client closes the connection
	})
}

func notification(id string) string {
	return `{"notification":{"id":"` + id + `","type":"promotion","content":{"id":"p-` + id + `"},"read":false,"createdAt":"2026-01-01T00:00:00Z"}}`
}

// events returns the first events of an inbox as texts.
func events(t *testing.T, c *loyalty.Client, o loyalty.InboxOptions, count int) []string {
	t.Helper()
	var got []string
	for e, err := range c.Inbox(t.Context(), o) {
		switch {
		case err != nil:
			got = append(got, err.Error())
		case e.Notification != nil:
			p, err := e.Notification.Promotion()
			if err != nil {
				t.Error(err)
				continue
			}
			got = append(got, e.Notification.ID+" "+p.ID)
		case e.Read != nil:
			got = append(got, fmt.Sprintf("read %v %t %d", e.Read.IDs, e.Read.All, e.Read.Unread))
		case e.Gap != nil:
			got = append(got, "gap "+e.Gap.Reason)
		}
		if len(got) == count {
			break
		}
	}
	return got
}

func TestInboxResumes(t *testing.T) {
	t.Parallel()
	s := serveSockets(t,
		script{frames: []string{notification("1"), `{"read":{"ids":["1"],"all":false,"unread":0}}`, `{"later":{}}`}, code: websocket.CloseGoingAway},
		script{refuse: loyalty.CodeDependencyUnavailable, status: http.StatusServiceUnavailable},
		script{frames: []string{notification("2")}, code: 4401},
		script{frames: []string{`{"reset":{"reason":"unknown"}}`}, code: websocket.CloseTryAgainLater},
		script{frames: []string{notification("3")}},
	)
	got := events(t, client(t, s, token()), loyalty.InboxOptions{Since: "0"}, 6)
	want := []string{
		"1 p-1", "read [1] false 0", "2 p-2", "gap unknown", "gap the connection was lost before the first notification", "3 p-3",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var queries, tokens []string
	for _, r := range s.requests {
		if r.URL.Path == socket {
			queries, tokens = append(queries, r.URL.RawQuery), append(tokens, r.Header.Get("Authorization"))
		}
	}
	if want := []string{"since=0", "since=1", "since=1", "since=2", ""}; !slices.Equal(queries, want) {
		t.Errorf("the queries are %q, want %q", queries, want)
	}
	if tokens[2] != "Bearer access" || tokens[3] != "Bearer access-2" {
		t.Errorf("the tokens are %q, want a new one after the close code 4401", tokens)
	}
}

func TestInboxRenewsARefusedToken(t *testing.T) {
	t.Parallel()
	s := serveSockets(t, script{refuse: loyalty.CodeTokenExpired, status: http.StatusUnauthorized}, script{frames: []string{notification("1")}})
	if got := events(t, client(t, s, token()), loyalty.InboxOptions{}, 1); !slices.Equal(got, []string{"1 p-1"}) {
		t.Errorf("got %q", got)
	}
}

// delays returns the delays of an inbox after four sessions that end as the script says.
func delays(t *testing.T, end script) []time.Duration {
	t.Helper()
	s := serveSockets(t, end, end, end, end, script{frames: []string{notification("1")}})
	var log bytes.Buffer
	c := client(t, s, token(), loyalty.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	events(t, c, loyalty.InboxOptions{}, 5) // four gaps and the notification
	var found []time.Duration
	for _, m := range regexp.MustCompile(`after=(\S+)`).FindAllStringSubmatch(log.String(), -1) {
		d, err := time.ParseDuration(m[1])
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, d)
	}
	if len(found) != 4 {
		t.Fatalf("the delays are %v, want four", found)
	}
	return found
}

func TestInboxRenewsSessionsThatEndAtOnceMoreSlowly(t *testing.T) {
	t.Parallel()
	if d := delays(t, script{code: 4401}); d[3] < 400*time.Millisecond {
		t.Errorf("the delays are %v, want them to grow", d)
	}
}

// The platform pings a connection after 25 seconds. So the connection has worked, even if no frame was sent.
func TestInboxRenewsQuietSessionsAtOnce(t *testing.T) {
	t.Parallel()
	if d := delays(t, script{ping: true, code: 4401}); slices.Max(d) > 100*time.Millisecond {
		t.Errorf("the delays are %v, want them not to grow", d)
	}
}

func TestInboxEndsWithPermanentErrors(t *testing.T) {
	t.Parallel()
	s := serveSockets(t, script{refuse: loyalty.CodeForbidden, status: http.StatusForbidden})
	var got error
	for _, err := range client(t, s, token()).Inbox(t.Context(), loyalty.InboxOptions{}) {
		got = err
	}
	if !errors.Is(got, loyalty.CodeForbidden) || len(s.headers(socket, "Accept")) != 1 {
		t.Errorf("got %v after %d connections, want FORBIDDEN after one", got, len(s.headers(socket, "Accept")))
	}
	for _, err := range client(t, s).Inbox(t.Context(), loyalty.InboxOptions{}) {
		got = err
	}
	if !errors.Is(got, loyalty.ErrNoSession) {
		t.Errorf("got %v without a session, want ErrNoSession", got)
	}
}

func TestInboxEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := serveSockets(t, script{frames: []string{notification("1")}})
	ctx, cancel := context.WithCancel(t.Context())
	var got error
	for e, err := range client(t, s, token()).Inbox(ctx, loyalty.InboxOptions{}) {
		if e.Notification != nil {
			cancel() // the connection is open and has nothing more to send
		}
		got = err
	}
	cancel()
	if !errors.Is(got, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", got)
	}
}
