// Package jetstream is the bus on NATS JetStream: CloudEvents in binary mode over nats.go.
//
// A topic of the schema, "players", is a stream on the subject "loyalty.players.v1" and its partitions
// "loyalty.players.v1.0" and so on. The key's hash chooses the partition; the plain subject is a partition of its own,
// for producers that know nothing of keys. A group is one durable consumer for each partition that has one message under
// way at a time, so the order per key holds over redeliveries and over any number of members, and partitions are
// handled concurrently.
//
// The server's file store does not sync every message unless it runs with sync_interval: always; a cluster of three
// makes up for it.
package jetstream

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// Partitions is over how many subjects the keys of a topic are spread. Changing it would break the order of the keys
// that move.
const Partitions = 8

// plain is the number of the partition that the plain subject is.
const plain = -1

const (
	subjectPrefix = "loyalty."
	subjectSuffix = ".v1"
)

// Config says how to reach the servers. URL and Name are needed; the zero value of the rest is sensible.
type Config struct {
	// URL is one address, or several with commas, and may hold credentials: "nats://user:secret@host:4222";
	// with the scheme tls:// the connection is encrypted.
	URL string
	// Name names this process in the servers' monitoring.
	Name string
	// AckWait is how long the server waits for a member that fell silent before its message goes to another; handlers
	// may take longer. The default is 5 s.
	AckWait time.Duration
	// Grace is how long handlers under way may take when a subscription ends, before their context is cancelled. The
	// default is 10 s.
	Grace time.Duration
}

const (
	defaultAckWait = 5 * time.Second
	defaultGrace   = 10 * time.Second
	reconnectWait  = 250 * time.Millisecond
	flushTimeout   = 5 * time.Second
)

// Bus is an [event.Bus]. Its methods are safe for concurrent use.
type Bus struct {
	cfg  Config
	log  *slog.Logger
	conn *nats.Conn
	js   jetstream.JetStream

	subscriptions *event.Subscriptions
}

var _ event.Bus = (*Bus)(nil)

// New returns a bus. Servers that are not there yet are no error: the client goes on trying, and Ping tells.
func New(_ context.Context, cfg Config, log *slog.Logger) (*Bus, error) {
	switch {
	case cfg.URL == "":
		return nil, errors.New("jetstream: no url configured")
	case cfg.Name == "":
		return nil, errors.New("jetstream: no client name configured")
	}
	if cfg.AckWait == 0 {
		cfg.AckWait = defaultAckWait
	}
	if cfg.Grace == 0 {
		cfg.Grace = defaultGrace
	}
	b := &Bus{cfg: cfg, log: log.With("bus", "jetstream")}
	options := []nats.Option{
		nats.Name(cfg.Name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.log.Warn("disconnected, trying again", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { b.log.Info("connected again") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.log.Warn("connection reported an error", "error", err)
		}),
	}
	conn, err := nats.Connect(cfg.URL, options...)
	if err != nil {
		// Parse errors repeat the URL, which may hold a password.
		return nil, errors.New("jetstream: the url or its credentials are not valid")
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("jetstream: %w", err)
	}
	b.conn, b.js = conn, js
	b.subscriptions = event.NewSubscriptions()
	return b, nil
}

// Ping returns nil when a server answers and has JetStream.
func (b *Bus) Ping(ctx context.Context) error {
	if _, err := b.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("jetstream: %w", err)
	}
	return nil
}

// Close ends the subscriptions, waits for them and releases the connection.
func (b *Bus) Close() {
	b.subscriptions.Close()
	b.conn.Close()
}

// subjectOf is the plain subject of a topic.
func subjectOf(topic string) string { return subjectPrefix + topic + subjectSuffix }

// partitionSubject is the subject of a topic's partition.
func partitionSubject(topic string, partition int) string {
	if partition == plain {
		return subjectOf(topic)
	}
	return subjectOf(topic) + "." + strconv.Itoa(partition)
}

// streamOf is the name of a topic's stream; names of streams have no dots.
func streamOf(topic string) string { return nameOf(subjectOf(topic)) }

// nameOf makes a name of streams and consumers of s.
func nameOf(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(".*>/\\ \t\r\n", r) {
			return '_'
		}
		return r
	}, s)
}

// partitionOf chooses the partition of an event. Those without a key have no order to keep and are spread by their ID.
func partitionOf(e event.Event) int {
	key := e.Key
	if key == "" {
		key = e.ID
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return int(h.Sum32() % Partitions)
}
