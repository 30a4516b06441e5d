package tour

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// frame is a message from a socket. Both fields are nil in a frame of a kind that the tour does not use.
type frame struct {
	Notification *notification `json:"notification"`
	Read         *struct {
		IDs    []string `json:"ids"`
		All    bool     `json:"all"`
		Unread int      `json:"unread"`
	} `json:"read"`
}

// notifies returns a function that matches the notification of a promotion.
func notifies(p promotion) func(frame) bool {
	return func(f frame) bool { return f.Notification != nil && f.Notification.Content.ID == p.ID }
}

// socket is a live connection. It queues received frames until await reads them.
type socket struct {
	name    string
	printer *printer
	conn    *websocket.Conn
	frames  chan received
	// err is the reason why the connection ended. It is valid once frames is closed.
	err error
}

// received is a decoded frame and its JSON.
type received struct {
	frame frame
	text  []byte
}

// openSocket opens another socket for Anna.
func (g *guide) openSocket(ctx context.Context, name string) error {
	const path = "/notifications/ws"
	g.request(name, "GET", path+" (upgrade to WebSocket)", nil)
	begun := time.Now()
	url := "ws" + strings.TrimPrefix(g.url, "http") + path
	dialer := websocket.Dialer{HandshakeTimeout: timeout, Proxy: http.ProxyFromEnvironment}
	header := http.Header{"Authorization": {"Bearer " + g.anna.token}}
	conn, resp, err := dialer.DialContext(ctx, url, header) //nolint:bodyclose // gorilla has read it
	if resp != nil {
		g.answer(resp.Status, time.Since(begun), nil, err == nil)
	}
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	s := &socket{name: name, printer: g.printer, conn: conn, frames: make(chan received, 100)}
	g.sockets = append(g.sockets, s)
	go s.read()
	return nil
}

// read queues frames until the connection ends.
func (s *socket) read() {
	defer close(s.frames)
	for {
		_, message, err := s.conn.ReadMessage()
		if err != nil {
			s.err = err
			return
		}
		var f frame
		if err := json.Unmarshal(message, &f); err != nil {
			s.err = fmt.Errorf("decode a frame: %w", err)
			return
		}
		s.frames <- received{f, message}
	}
}

// await waits for a frame that matches, prints the frame and returns it. It skips other frames. It returns an error if the
// socket closes or after timeout. content describes the frame in errors.
func (s *socket) await(ctx context.Context, content string, matches func(frame) bool) (frame, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		select {
		case r, ok := <-s.frames:
			if !ok {
				return frame{}, fmt.Errorf("%s: the socket closed: %w", s.name, s.err)
			}
			if matches(r.frame) {
				s.printer.frame(s.name, r.text)
				return r.frame, nil
			}
		case <-ctx.Done():
			return frame{}, fmt.Errorf("%s: no frame with %s within %v", s.name, content, timeout)
		}
	}
}

// awaitClose waits until the platform closes the socket. It returns an error unless the close code is code.
func (s *socket) awaitClose(ctx context.Context, code int) error {
	_, err := s.await(ctx, "a close code", func(frame) bool { return false })
	closed, ok := errors.AsType[*websocket.CloseError](err)
	if !ok || closed.Code != code {
		return fmt.Errorf("expected close code %d: %w", code, err)
	}
	s.printer.closed(s.name, closed.Code, closed.Text)
	return nil
}

// close ends the connection and waits for its reader.
func (s *socket) close() {
	s.conn.Close()
	for range s.frames { // until read returns
	}
}
