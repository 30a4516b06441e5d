// Package kafka implements event.Bus on Apache Kafka. It sends CloudEvents in binary mode with franz-go.
//
// A topic of the schema is stored in the Kafka topic of the same name. An event's key is the record's key. Each combination
// of group and topic is a consumer group. EnsureTopics creates the topics; the package does not rely on auto-creation.
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

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/event"
)

// Config configures a Bus. Brokers and ClientID are required.
type Config struct {
	// Brokers are the host:port addresses of the brokers to which the client connects first.
	Brokers []string
	// ClientID is this process's name in the brokers' logs and metrics.
	ClientID string
	// Instance is a unique name of this replica that stays the same after a restart. With a name, a restarted replica gets its
	// partitions back at once, even after a kill. Without a name, the partitions of a killed replica wait for SessionTimeout.
	Instance string
	// TLS, if set, is used for every connection.
	TLS *tls.Config
	// Username and Password, if set, are sent with SASL SCRAM-SHA-512.
	Username, Password string
	// SessionTimeout is the time after which the group reassigns the partitions of an unresponsive member. The default is 6 s,
	// the minimum that brokers accept in their default configuration: their setting group.min.session.timeout.ms.
	SessionTimeout time.Duration
	// Grace is how long running handlers may continue after a subscription ends or a partition moves. Then their context is
	// canceled. The default is 10 s. Grace must be well below the rebalance timeout of 15 s.
	Grace time.Duration
}

const (
	defaultSessionTimeout = 6 * time.Second
	defaultGrace          = 10 * time.Second
	// commitTimeout limits the commit of offsets before partitions move. It is short because the other members wait for the
	// commit.
	commitTimeout = 2 * time.Second
	// rebalanceTimeout is how long the group waits for its members to join a rebalance. Some brokers wait this long for a
	// killed member.
	rebalanceTimeout = 15 * time.Second
	// leaveTimeout limits the time to leave the group, in addition to Grace.
	leaveTimeout = time.Second

	// fetchMaxWait limits how long a resumed partition waits for the pending fetch. New records end that fetch early.
	fetchMaxWait = 250 * time.Millisecond
	// commitInterval limits how much work is repeated after a crash.
	commitInterval = time.Second
	// metadataMinAge is the minimum interval between metadata requests. It delays the detection of a new leader, and thus a
	// failover.
	metadataMinAge = 250 * time.Millisecond
	metadataMaxAge = 30 * time.Second
	// requestRetries is so large that the client's timeouts end the retries of a request, and not their number.
	requestRetries = 200
)

// retryPolicy is the policy for failed attempts of the client: requests, fetches, records and connections. By default the
// delay grows to five seconds, so that a client would notice a new leader only seconds after its election.
func retryPolicy() backoff.Policy {
	return backoff.Policy{Initial: 250 * time.Millisecond, Jitter: 0.2}
}

// Bus is an [event.Bus]. Its methods are safe for concurrent use.
type Bus struct {
	cfg    Config
	log    *slog.Logger
	client *kgo.Client
	admin  *kadm.Client
	// outages logs the outages of brokers.
	outages *outages

	subscriptions *event.Subscriptions
}

var _ event.Bus = (*Bus)(nil)

// New returns a bus. It does not wait for the brokers: the client connects in the background and reconnects automatically.
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
	b.outages = newOutages(b.log)
	client, err := b.newClient()
	if err != nil {
		return nil, err
	}
	b.client, b.admin = client, kadm.NewClient(client)
	b.subscriptions = event.NewSubscriptions()
	return b, nil
}

// newClient returns a client with the common options of the bus and with opts.
func (b *Bus) newClient(opts ...kgo.Opt) (*kgo.Client, error) {
	common := []kgo.Opt{
		kgo.SeedBrokers(b.cfg.Brokers...),
		kgo.ClientID(b.cfg.ClientID),
		kgo.WithLogger(b.outages),
		kgo.WithHooks(b.outages),
		kgo.DialTimeout(5 * time.Second),
		kgo.RetryBackoffFn(func(int) time.Duration { return retryPolicy().Delays().Next() }),
		kgo.RequestRetries(requestRetries),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.MetadataMaxAge(metadataMaxAge),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.MaxDecompressBatchBytes(maxBatchBytes),
		// The outbox publishes complete batches, so lingering would only add latency.
		kgo.ProducerLinger(0),
		// A canceled Publish may have stored some records. This is acceptable: the caller publishes all events again, and
		// consumers tolerate duplicates.
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

// Ping returns nil if a broker responds.
func (b *Bus) Ping(ctx context.Context) error {
	if err := b.client.Ping(ctx); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	return nil
}

// Close ends the subscriptions, waits for them and closes the connections. It is idempotent.
func (b *Bus) Close() {
	b.subscriptions.Close()
	b.client.Close()
}
