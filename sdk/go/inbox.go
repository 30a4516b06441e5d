package loyalty

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

const (
	socketPath = "/notifications/ws"
	// closeSessionEnded is the close code for an expired token or an ended session.
	closeSessionEnded = 4401
	handshakeTimeout  = 20 * time.Second
	// silence is the time without a frame or a ping after which a connection counts as lost. The platform pings every 25
	// seconds.
	silence = time.Minute
)

// Event is a message on the live inbox. Exactly one field is set.
type Event struct {
	// Notification is a new notification. Each notification is received once, in order, also over reconnections.
	Notification *Notification
	// Read says that notifications were marked as read, by this or by another client of the player.
	Read *ReadState
	// Gap says that notifications may have been missed. List the notifications again with [Client.AllNotifications].
	Gap *Gap
}

// Gap says why notifications may have been missed.
type Gap struct {
	Reason string
}

// InboxOptions are the options of [Client.Inbox].
type InboxOptions struct {
	// Since is the id of the last notification that is known. The inbox begins with the newer ones. If it is empty, the inbox
	// begins with the notifications that arrive after the connection is open.
	Since string
	// Connected is called each time the connection is open, if it is set.
	Connected func()
}

// Inbox yields the live notifications of the player until ctx ends or the loop is left:
//
//	for event, err := range client.Inbox(ctx, loyalty.InboxOptions{}) { … }
//
// It connects again after every loss of the connection, with jitter, renews the token, and resumes after the last
// notification. If that is not possible, it yields an event with a [Gap]. It yields an error only at the end: if the session
// has ended and cannot be renewed, if the caller is not a player, or the error of ctx.
func (c *Client) Inbox(ctx context.Context, o InboxOptions) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		i := &inbox{client: c, options: o, since: o.Since}
		if err := i.run(ctx, yield); err != nil {
			yield(Event{}, err)
		}
	}
}

// inbox is one iteration over the live notifications.
type inbox struct {
	client  *Client
	options InboxOptions
	// since is the last received notification, or empty.
	since string
	// token is the token of the connection.
	token string
	// connected is true after the first connection.
	connected bool
	// failures is the number of failed connections since the last frame or ping.
	failures int
}

// errStopped means that the loop over the events was left.
var errStopped = errors.New("stopped")

// run connects until ctx ends, the loop is left or an error is permanent.
func (i *inbox) run(ctx context.Context, yield func(Event, error) bool) error {
	for {
		err := i.connection(ctx, yield)
		switch {
		case errors.Is(err, errStopped):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case i.permanent(err):
			return err
		}
		i.failures++
		wait := i.client.retries.delay(i.failures)
		var answered *Error
		if errors.As(err, &answered) {
			wait = max(wait, answered.RetryAfter)
		}
		i.client.log.LogAttrs(ctx, slog.LevelInfo, "the inbox connects again",
			slog.Duration("after", wait), slog.Any("error", err))
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// permanent reports whether another connection would fail for the same reason.
func (i *inbox) permanent(err error) bool {
	if errors.Is(err, ErrNoSession) {
		return true
	}
	var e *Error
	return errors.As(err, &e) && !e.Retryable() && e.Status < http.StatusInternalServerError
}

// connection opens a connection and yields its events until it ends.
func (i *inbox) connection(ctx context.Context, yield func(Event, error) bool) error {
	conn, err := i.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if i.options.Connected != nil {
		i.options.Connected()
	}
	if i.connected && i.since == "" {
		// Without a notification to resume after, the platform cannot tell what was missed.
		if !yield(Event{Gap: &Gap{Reason: "the connection was lost before the first notification"}}, nil) {
			return errStopped
		}
	}
	i.connected = true
	alive := func() error { return conn.SetReadDeadline(time.Now().Add(silence)) }
	pong := conn.PingHandler()
	conn.SetPingHandler(func(data string) error {
		i.failures = 0
		if err := alive(); err != nil {
			return err
		}
		return pong(data)
	})
	for {
		if err := alive(); err != nil {
			return err
		}
		_, data, err := conn.ReadMessage()
		if err != nil {
			return i.lost(ctx, err)
		}
		i.failures = 0
		if err := i.receive(data, yield); err != nil {
			return err
		}
	}
}

// receive yields the event of a frame.
func (i *inbox) receive(data []byte, yield func(Event, error) bool) error {
	var f Frame
	if err := json.Unmarshal(data, &f); err != nil {
		return fmt.Errorf("loyalty: inbox: read a frame: %w", err)
	}
	event := Event{Notification: f.Notification, Read: f.Read}
	switch {
	case f.Notification != nil:
		i.since = f.Notification.ID
	case f.Reset != nil:
		i.since, event.Gap = "", &Gap{Reason: f.Reset.Reason}
	case f.Read == nil:
		return nil // a kind of frame that this version does not know
	}
	if !yield(event, nil) {
		return errStopped
	}
	return nil
}

// lost handles the end of a connection. It renews the token if the platform has closed the connection for that reason.
func (i *inbox) lost(ctx context.Context, err error) error {
	if !websocket.IsCloseError(err, closeSessionEnded) {
		return fmt.Errorf("loyalty: inbox: %w", err)
	}
	return i.client.session.renew(ctx, i.client, i.token)
}

// dial opens a connection. It renews the token once if the platform refuses it.
func (i *inbox) dial(ctx context.Context) (*websocket.Conn, error) {
	c := i.client
	for renewed := false; ; renewed = true {
		token, err := c.session.access(ctx, c)
		if err != nil {
			return nil, err
		}
		i.token = token
		conn, err := i.handshake(ctx, token)
		if err == nil || renewed || !isTokenError(err) {
			return conn, err
		}
		if err := c.session.renew(ctx, c, token); err != nil {
			return nil, err
		}
	}
}

func (i *inbox) handshake(ctx context.Context, token string) (*websocket.Conn, error) {
	c := i.client
	target := "ws" + strings.TrimPrefix(c.base.String(), "http") + socketPath
	if i.since != "" {
		target += "?since=" + url.QueryEscape(i.since)
	}
	dialer := websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, HandshakeTimeout: handshakeTimeout, Subprotocols: []string{"loyalty.v1"},
	}
	if t, ok := c.http.Transport.(*http.Transport); ok {
		dialer.Proxy, dialer.NetDialContext = t.Proxy, t.DialContext
		if t.TLSClientConfig != nil {
			dialer.TLSClientConfig = t.TLSClientConfig.Clone()
			dialer.TLSClientConfig.NextProtos = nil // WebSockets need HTTP/1.1
		}
	}
	if dialer.TLSClientConfig == nil {
		dialer.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	header := http.Header{"Authorization": {"Bearer " + token}, "User-Agent": {c.agent}}
	conn, response, err := dialer.DialContext(ctx, target, header)
	if errors.Is(err, websocket.ErrBadHandshake) && response != nil {
		defer response.Body.Close()
		return nil, readError(response)
	}
	if err != nil {
		return nil, &transportError{"inbox", err}
	}
	return conn, nil
}
