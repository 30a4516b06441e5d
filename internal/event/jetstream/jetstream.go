// Package jetstream implements the event bus on NATS JetStream. It sends CloudEvents in binary mode with nats.go.
//
// A topic of the schema, such as "players", is a stream. Its subjects are "loyalty.players.v1.0" to
// "loyalty.players.v1.7", the topic's partitions, and "loyalty.players.v1" for producers that do not use partitions. The
// hash of an event's key chooses the partition. A group has one durable consumer per subject, and a consumer has at most
// one unacknowledged message. Events with the same key therefore stay in order, even if they are redelivered or the group
// has several members. Partitions are handled concurrently.
//
// The server's file store does not sync every message to disk unless it runs with sync_interval: always. A cluster of three
// servers compensates for that.
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
	"github.com/casino-loyalty/loyalty/internal/logs"
)

// Partitions is the number of partitions of a topic. Changing it can reorder events whose key moves to another partition.
const Partitions = 8

// unpartitioned is the partition that stands for the subject without a partition number.
const unpartitioned = -1

const (
	subjectPrefix = "loyalty."
	subjectSuffix = ".v1"
)

// Config configures a Bus. URL and Name are required.
type Config struct {
	// URL is one server's URL or several separated by commas. It may contain credentials: "nats://user:secret@host:4222".
	// The scheme tls:// encrypts the connection.
	URL string
	// Name is this process's name in the servers' monitoring.
	Name string
	// AckWait is how long the server waits for an unresponsive member before it delivers the message to another member. A
	// handler may take longer, because the bus extends the wait while the handler runs. The default is 5 s.
	AckWait time.Duration
	// Grace is how long running handlers may continue when a subscription ends, before their context is canceled. The default
	// is 10 s.
	Grace time.Duration
}

const (
	defaultAckWait = 5 * time.Second
	defaultGrace   = 10 * time.Second
	reconnectWait  = 250 * time.Millisecond
	flushTimeout   = 5 * time.Second
	pingTimeout    = 5 * time.Second
)

// Bus is an [event.Bus]. Its methods are safe for concurrent use.
type Bus struct {
	cfg     Config
	log     *slog.Logger
	servers []server
	conn    *nats.Conn
	js      jetstream.JetStream

	// repeats keeps repeated failures of consumers from filling the log.
	repeats *logs.Repeats

	subscriptions *event.Subscriptions
}

var _ event.Bus = (*Bus)(nil)

// New returns a bus. An unavailable server is not an error: the client connects in the background and reconnects
// automatically.
// No error contains credentials.
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
	servers, err := parseServers(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("jetstream: %w", err)
	}
	b := &Bus{
		cfg: cfg, log: log.With("bus", "jetstream"), servers: servers, repeats: logs.NewRepeats(time.Now),
		subscriptions: event.NewSubscriptions(),
	}
	options := []nats.Option{
		nats.Name(cfg.Name),
		nats.CustomInboxPrefix(inboxPrefix(servers)),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // keep retrying: the credentials may be corrected on the server
		nats.ReconnectWait(reconnectWait),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.log.Warn("disconnected, reconnecting", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			b.repeats.Reset()
			b.log.Info("reconnected")
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.failed(b.log, slog.LevelWarn, "connection error", "error", err)
		}),
	}
	if b.conn, err = nats.Connect(cfg.URL, options...); err != nil {
		return nil, errors.New("jetstream: invalid url or credentials") // err may contain a password
	}
	if b.js, err = jetstream.New(b.conn); err != nil {
		b.conn.Close()
		return nil, fmt.Errorf("jetstream: %w", err)
	}
	return b, nil
}

// Ping returns nil if a server responds within five seconds and JetStream is enabled. It does not wait for the client's
// next attempt to reconnect: if no server is available, it returns an error as soon as it has tried each server once.
func (b *Bus) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if err := b.connected(ctx); err != nil {
		return err
	}
	if _, err := b.js.AccountInfo(ctx); err != nil {
		return b.failure("ping", err)
	}
	return nil
}

// Close ends the subscriptions, waits for them and closes the connection.
func (b *Bus) Close() {
	b.subscriptions.Close()
	b.conn.Close()
}

// failed logs a failure that is repeated until it ends. Without a connection, failures are expected, and failed logs them at
// the debug level.
func (b *Bus) failed(log *slog.Logger, level slog.Level, msg string, args ...any) {
	if !b.conn.IsConnected() {
		level = slog.LevelDebug
	}
	b.repeats.Log(context.Background(), log, level, msg, args...)
}

// subjectOf returns the subject of a topic without a partition number.
func subjectOf(topic string) string { return subjectPrefix + topic + subjectSuffix }

// partitionSubject returns the subject of a topic's partition.
func partitionSubject(topic string, partition int) string {
	if partition == unpartitioned {
		return subjectOf(topic)
	}
	return subjectOf(topic) + "." + strconv.Itoa(partition)
}

// streamOf returns the name of a topic's stream.
func streamOf(topic string) string { return sanitize(subjectOf(topic)) }

// sanitize replaces the characters that names of streams and consumers must not contain.
func sanitize(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(".*>/\\ \t\r\n", r) {
			return '_'
		}
		return r
	}, s)
}

// partitionOf returns the partition of an event, a hash of its key. Events without a key need no order; their ID is hashed.
func partitionOf(e event.Event) int {
	key := e.Key
	if key == "" {
		key = e.ID
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return int(h.Sum32() % Partitions)
}
