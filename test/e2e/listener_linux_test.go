package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// listener is a player with a socket that reconnects and resumes.
type listener struct {
	client

	mu       sync.Mutex
	ids      []string // notifications in the order of arrival
	problems []string
	closes   map[string]int
	arrived  time.Time     // of the last frame
	silence  time.Duration // the longest time between two frames since run began
}

// listen opens the player's socket. It stays open, over reconnections, until the test ends.
func listen(c client) *listener {
	p := &listener{client: c, closes: map[string]int{}, arrived: time.Now()}
	current := connect(c, "")
	done := make(chan struct{})
	go func() {
		defer close(done)
		pause := time.NewTicker(20 * time.Millisecond)
		defer pause.Stop()
		for c.t.Context().Err() == nil {
			p.receive(current)
			for c.t.Context().Err() == nil {
				s, err := p.reconnect()
				if err == nil {
					current = s
					break
				}
				p.note("handshake " + err.Error())
				<-pause.C
			}
		}
	}()
	c.t.Cleanup(func() { <-done })
	return p
}

func (p *listener) reconnect() (socket, error) {
	p.mu.Lock()
	c, last := p.client, ""
	if n := len(p.ids); n > 0 {
		last = p.ids[n-1]
	}
	p.mu.Unlock()
	return tryConnect(c, last)
}

func (p *listener) note(closed string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closes[closed]++
}

// receive reads frames until the connection ends.
func (p *listener) receive(s socket) {
	defer context.AfterFunc(s.t.Context(), func() { s.conn.Close() })()
	for {
		var frame object
		if err := s.conn.ReadJSON(&frame); err != nil {
			s.conn.Close()
			p.note(closeReason(err))
			return
		}
		p.mu.Lock()
		switch id := text(frame, "notification.id"); {
		case id == "":
			p.problems = append(p.problems, fmt.Sprintf("frame %v", frame))
		case slices.Contains(p.ids, id):
			p.problems = append(p.problems, "notification "+id+" arrived twice")
		default:
			p.ids = append(p.ids, id)
			p.silence = max(p.silence, time.Since(p.arrived))
			p.arrived = time.Now()
		}
		p.mu.Unlock()
	}
}

// count returns the number of notifications that have arrived.
func (p *listener) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ids)
}

// check compares the frames with the stored notifications.
func (p *listener) check(t *testing.T, want int) {
	t.Helper()
	stored := storedNotifications(p.in(t))
	if len(stored) != want {
		t.Errorf("%s has %d notifications, want %d", p.email, len(stored), want)
	}
	p.compare(t, stored)
}

// compare checks that the socket has received the notifications, each once and in order.
func (p *listener) compare(t *testing.T, stored []string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.problems) > 0 {
		t.Errorf("the socket of %s: %s", p.email, strings.Join(p.problems, "; "))
	}
	if !slices.Equal(p.ids, stored) {
		t.Errorf("%s received the notifications %v, stored are %v", p.email, p.ids, stored)
	}
	p.problems = nil
}

// storedNotifications returns the ids of all notifications of a player, the oldest first.
func storedNotifications(c client) []string {
	c.t.Helper()
	var stored []string
	for page := ""; ; {
		a := c.call(200, "GET", "/api/v1/notifications?page_size=100&page_token="+page, nil)
		for _, n := range a.list("notifications") {
			stored = append(stored, text(n, "id"))
		}
		if page = a.text("nextPageToken"); page == "" {
			break
		}
	}
	slices.Reverse(stored)
	return stored
}

// renew replaces the access token. The open socket keeps its session.
func (p *listener) renew(password string) {
	c := p.login(password)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.client = c
}

// tryConnect opens a WebSocket. If since is not empty, the WebSocket resumes after the notification with that id.
func tryConnect(c client, since string) (socket, error) {
	url := "ws" + strings.TrimPrefix(c.url, "http") + "/notifications/ws"
	if since != "" {
		url += "?since=" + since
	}
	dialer := websocket.Dialer{Subprotocols: []string{"loyalty.v1", "bearer." + c.token}, HandshakeTimeout: timeout}
	conn, response, err := dialer.DialContext(c.t.Context(), url, nil)
	switch {
	case err == nil:
		return socket{c.t, conn}, nil
	case response != nil:
		return socket{}, fmt.Errorf("refused with %s", response.Status)
	default:
		return socket{}, errors.New("no answer")
	}
}

// closeReason names how a connection ended: the code of the close frame, or "cut".
func closeReason(err error) string {
	var e *websocket.CloseError
	if asClose(err, &e) && e.Code != websocket.CloseAbnormalClosure { // 1006: the connection ended without a close frame
		return fmt.Sprintf("closed with %d", e.Code)
	}
	return "cut"
}
