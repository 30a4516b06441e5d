// Package kafka is the bus on Apache Kafka: CloudEvents in binary mode over franz-go.
//
// A topic of the schema is the Kafka topic of the same name, its key is the record's key, and a group is a consumer
// group. Topics are created by EnsureTopics; nothing relies on auto-creation.
package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// Config says how to reach the brokers. Brokers and ClientID are needed; the zero value of the rest is sensible.
type Config struct {
	// Brokers are host:port pairs to start from.
	Brokers []string
	// ClientID names this process in the brokers' logs and metrics.
	ClientID string
	// Instance names this replica, if it has a name that outlives a restart and that no other replica has. A replica that
	// comes back under its name has its partitions again at once, also after it was killed; without a name they wait for
	// SessionTimeout.
	Instance string
	// TLS, if set, is used for every connection.
	TLS *tls.Config
	// Username and Password, if set, log in by SASL SCRAM-SHA-512.
	Username, Password string
	// SessionTimeout is how long the group waits for a member that fell silent before its partitions go to others. The
	// default, 6 s, is the least that brokers accept unless configured otherwise.
	SessionTimeout time.Duration
	// Grace is how long handlers under way may take when a subscription ends or a partition moves, before their context
	// is cancelled. The default is 10 s; it must stay well below the rebalance timeout of 15 s.
	Grace time.Duration
}

const (
	defaultSessionTimeout = 6 * time.Second
	defaultGrace          = 10 * time.Second
	// commitTimeout bounds the storing of progress when partitions move: the others wait for it.
	commitTimeout = 2 * time.Second
	// rebalanceTimeout is how long the group waits for its members to come to a rebalance. Some brokers wait that long
	// for one that was killed.
	rebalanceTimeout = 15 * time.Second
	// leaveTimeout is how long leaving the group may take beyond Grace.
	leaveTimeout = time.Second

	// fetchMaxWait bounds how long a partition that was paused waits for the fetch under way; new records end the wait.
	fetchMaxWait = 250 * time.Millisecond
	// commitInterval is how much work at most a crash repeats.
	commitInterval = time.Second
	// metadataMinAge bounds how fast a client notices a new leader, and so how long a failover is felt.
	metadataMinAge = 250 * time.Millisecond
	metadataMaxAge = 30 * time.Second
)

// Bus is an [event.Bus]. Its methods are safe for concurrent use.
type Bus struct {
	cfg    Config
	log    *slog.Logger
	client *kgo.Client
	admin  *kadm.Client

	subscriptions *event.Subscriptions
}

var _ event.Bus = (*Bus)(nil)

// New returns a bus. Brokers that are not there yet are no error: the clients go on trying, and Ping tells.
func New(_ context.Context, cfg Config, log *slog.Logger) (*Bus, error) {
	switch {
	case len(cfg.Brokers) == 0:
		return nil, errors.New("kafka: no brokers configured")
	case cfg.ClientID == "":
		return nil, errors.New("kafka: no client id configured")
	case (cfg.Username == "") != (cfg.Password == ""):
		return nil, errors.New("kafka: user name and password must be configured together")
	}
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = defaultSessionTimeout
	}
	if cfg.Grace == 0 {
		cfg.Grace = defaultGrace
	}
	b := &Bus{cfg: cfg, log: log.With("bus", "kafka")}
	client, err := b.newClient()
	if err != nil {
		return nil, err
	}
	b.client, b.admin = client, kadm.NewClient(client)
	b.subscriptions = event.NewSubscriptions()
	return b, nil
}

// newClient returns a client that can produce, with what all clients of the bus have in common and opts.
func (b *Bus) newClient(opts ...kgo.Opt) (*kgo.Client, error) {
	common := []kgo.Opt{
		kgo.SeedBrokers(b.cfg.Brokers...),
		kgo.ClientID(b.cfg.ClientID),
		kgo.WithLogger(logger{b.log}),
		kgo.DialTimeout(5 * time.Second),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.MetadataMaxAge(metadataMaxAge),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		// An outbox publishes in batches of its own; waiting for more would only delay what is complete.
		kgo.ProducerLinger(0),
		// A publisher whose context ended publishes the events again, so duplicates are taken for bounded time.
		kgo.AllowIdempotentProduceCancellation(),
	}
	if b.cfg.TLS != nil {
		common = append(common, kgo.DialTLSConfig(b.cfg.TLS))
	}
	if b.cfg.Username != "" {
		auth := scram.Auth{User: b.cfg.Username, Pass: b.cfg.Password}
		common = append(common, kgo.SASL(auth.AsSha512Mechanism()))
	}
	client, err := kgo.NewClient(append(common, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return client, nil
}

// Ping returns nil when a broker answers.
func (b *Bus) Ping(ctx context.Context) error {
	if err := b.client.Ping(ctx); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	return nil
}

// Close ends the subscriptions, waits for them and releases the connections.
func (b *Bus) Close() {
	b.subscriptions.Close()
	b.client.Close()
}
