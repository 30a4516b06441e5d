package jetstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// dialTimeout limits an attempt to connect to a server.
	dialTimeout = 2 * time.Second
	// connectTimeout limits the wait until the client has reconnected to an available server.
	connectTimeout = 5 * time.Second
)

// server is one of the configured servers.
type server struct {
	url string
	// name is the URL without credentials.
	name string
}

// parseServers parses a list of URLs separated by commas. Its errors do not contain the URLs, because they may contain
// passwords.
func parseServers(list string) ([]server, error) {
	urls := strings.Split(list, ",")
	servers := make([]server, len(urls))
	for i, text := range urls {
		text = strings.TrimSpace(text)
		if !strings.Contains(text, "://") {
			text = "nats://" + text
		}
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" {
			return nil, fmt.Errorf("url %d of %d is not valid", i+1, len(urls))
		}
		if !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return nil, fmt.Errorf("url %d of %d has scheme %q, want nats, tls, ws or wss", i+1, len(urls), u.Scheme)
		}
		servers[i] = server{url: text, name: u.Scheme + "://" + u.Host}
	}
	return servers, nil
}

// inboxPrefix returns the prefix of the subjects on which a client receives answers: _INBOX.USER, so that the permissions of
// a user can exclude the answers to other users. Without a user name it is _INBOX.
func inboxPrefix(servers []server) string {
	for _, s := range servers {
		if u, err := url.Parse(s.url); err == nil && u.User.Username() != "" {
			if _, isUser := u.User.Password(); isUser { // a token has no password
				return nats.InboxPrefix + sanitize(u.User.Username())
			}
		}
	}
	return strings.TrimSuffix(nats.InboxPrefix, ".")
}

// names returns the servers' URLs without credentials, separated by commas.
func (b *Bus) names() string {
	names := make([]string, len(b.servers))
	for i, s := range b.servers {
		names[i] = s.name
	}
	return strings.Join(names, ", ")
}

// failure wraps the error of an operation. It names the servers if the client is not connected or JetStream is not
// available.
func (b *Bus) failure(operation string, err error) error {
	switch {
	case !b.conn.IsConnected():
		return fmt.Errorf("jetstream: %s: not connected to %s: %w", operation, b.names(), err)
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled):
		return fmt.Errorf("jetstream: %s: JetStream is not available on %s: %w", operation, b.names(), err)
	}
	return fmt.Errorf("jetstream: %s: %w", operation, err)
}

// connected returns nil if the client is connected. Otherwise it tries each server once. If a server is available, it waits
// until the client has reconnected. If none is available, the error names each server and its problem.
func (b *Bus) connected(ctx context.Context) error {
	if b.conn.IsConnected() {
		return nil
	}
	if b.conn.IsClosed() {
		return fmt.Errorf("jetstream: %w", nats.ErrConnectionClosed)
	}
	problems := make([]error, len(b.servers))
	var probing sync.WaitGroup
	for i, s := range b.servers {
		probing.Go(func() { problems[i] = s.probe(ctx, b.cfg.Name) })
	}
	probing.Wait()
	if !slices.Contains(problems, nil) {
		return fmt.Errorf("jetstream: cannot connect: %w", joinedError(problems))
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	// FlushWithContext sends a ping, which the client transmits once it is connected.
	if err := b.conn.FlushWithContext(ctx); err != nil {
		return b.failure("connect", err)
	}
	return nil
}

// joinedError contains several errors. Its text has one line.
type joinedError []error

// Error implements error.
func (e joinedError) Error() string {
	text := make([]string, len(e))
	for i, err := range e {
		text[i] = err.Error()
	}
	return strings.Join(text, "; ")
}

// Unwrap returns the errors.
func (e joinedError) Unwrap() []error { return e }

// probe connects to the server once. The error names the server and the problem.
func (s server) probe(ctx context.Context, name string) error {
	dialer := &probeDialer{ctx: ctx}
	conn, err := nats.Connect(s.url,
		nats.Name(name), nats.Timeout(dialTimeout), nats.NoReconnect(), nats.SetCustomDialer(dialer))
	if err == nil {
		conn.Close()
		return nil
	}
	if dialer.err != nil {
		err = dialer.err
	}
	return fmt.Errorf("%s: %w", s.name, err)
}

// probeDialer is a nats.CustomDialer that keeps the error of the last attempt. It is needed because the client replaces the
// error of a refused connection with "no servers available".
type probeDialer struct {
	ctx context.Context
	err error
}

func (d *probeDialer) Dial(network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(d.ctx, network, address)
	d.err = err
	return conn, err
}
