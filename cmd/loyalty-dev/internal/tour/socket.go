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

// frame is what arrives on a socket: one of its parts is set.
type frame struct {
	Notification *notification `json:"notification"`
	Read         *struct {
		IDs    []string `json:"ids"`
		All    bool     `json:"all"`
		Unread int      `json:"unread"`
	} `json:"read"`
}

// notifies matches the frame that tells of a promotion.
func notifies(p promotion) func(frame) bool {
	return func(f frame) bool { return f.Notification != nil && f.Notification.Content.ID == p.ID }
}

// socket is a live connection. What arrives is shown at once, and kept until somebody waits for it.
type socket struct {
	conn   *websocket.Conn
	frames chan frame
	// err is why there are no more frames; valid once frames is closed.
	err error
}

// openSocket opens one more socket for Anna.
func (g *guide) openSocket(ctx context.Context, name string) error {
	const path = "/notifications/ws"
	g.request(name, "GET", path+" (to become a WebSocket)", nil)
	begun := time.Now()
	url := "ws" + strings.TrimPrefix(g.url, "http") + path
	dialer := websocket.Dialer{HandshakeTimeout: patience, Proxy: http.ProxyFromEnvironment}
	header := http.Header{"Authorization": {"Bearer " + g.anna.token}}
	conn, resp, err := dialer.DialContext(ctx, url, header) //nolint:bodyclose // gorilla has read it
	if resp != nil {
		g.answer(resp.Status, time.Since(begun), nil, err == nil)
	}
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	s := &socket{conn: conn, frames: make(chan frame, 100)}
	g.sockets = append(g.sockets, s)
	go s.read(g.printer, name)
	return nil
}

func (s *socket) read(p *printer, name string) {
	defer close(s.frames)
	for {
		_, message, err := s.conn.ReadMessage()
		if err != nil {
			s.err = err
			return
		}
		p.frame(name, message)
		var f frame
		if err := json.Unmarshal(message, &f); err != nil {
			s.err = fmt.Errorf("a frame cannot be read: %w", err)
			return
		}
		s.frames <- f
	}
}

// await waits for the frame that matches; what names it. Frames before it are passed over.
func (s *socket) await(ctx context.Context, what string, matches func(frame) bool) (frame, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		select {
		case f, ok := <-s.frames:
			if !ok {
				return frame{}, fmt.Errorf("the socket closed: %w", s.err)
			}
			if matches(f) {
				return f, nil
			}
		case <-ctx.Done():
			return frame{}, fmt.Errorf("the socket did not say %s within %v", what, patience)
		}
	}
}

// awaitClose waits until the platform closes the socket, which it must do with the code.
func (s *socket) awaitClose(ctx context.Context, code int) error {
	_, err := s.await(ctx, "good-bye", func(frame) bool { return false })
	closed, ok := errors.AsType[*websocket.CloseError](err)
	return expect(ok && closed.Code == code, "the socket to be closed with code %d: %w", code, err)
}

// close ends the connection and waits for its reader.
func (s *socket) close() {
	s.conn.Close()
	for range s.frames { // until the reader ends
	}
}
