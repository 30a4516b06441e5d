package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/jetstream"
	"github.com/casino-loyalty/loyalty/internal/event/kafka"
	"github.com/casino-loyalty/loyalty/internal/event/topics"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// serviceSettings are those of every service.
type serviceSettings struct {
	// Listen is the address of the public API, behind the gateway.
	Listen         string         `env:"LOYALTY_LISTEN"          envDefault:":8080"`
	TrustedProxies []netip.Prefix `env:"LOYALTY_TRUSTED_PROXIES"`
	LogLevel       slog.Level     `env:"LOYALTY_LOG_LEVEL"       envDefault:"INFO"`
}

// check refuses proxies that are everybody: then anyone could choose the address that limits count.
func (s serviceSettings) check() error {
	for _, p := range s.TrustedProxies {
		if p.Bits() == 0 {
			return fmt.Errorf("settings: LOYALTY_TRUSTED_PROXIES trusts everybody by %s", p)
		}
	}
	return nil
}

func (s serviceSettings) logger(service string) *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: s.LogLevel})).With("service", service)
}

// tokenSettings name who signs access tokens for whom.
type tokenSettings struct {
	Issuer   string `env:"LOYALTY_TOKEN_ISSUER"   envDefault:"loyalty"`
	Audience string `env:"LOYALTY_TOKEN_AUDIENCE" envDefault:"loyalty"`
}

// redisSettings say how Redis is reached: an address, or a master set with its sentinels.
type redisSettings struct {
	Address          string   `env:"LOYALTY_REDIS_ADDRESS"`
	Replicas         []string `env:"LOYALTY_REDIS_REPLICAS"`
	SentinelMaster   string   `env:"LOYALTY_REDIS_SENTINEL_MASTER"`
	Sentinels        []string `env:"LOYALTY_REDIS_SENTINELS"`
	SentinelPassword string   `env:"LOYALTY_REDIS_SENTINEL_PASSWORD"`
	Username         string   `env:"LOYALTY_REDIS_USERNAME"`
	Password         string   `env:"LOYALTY_REDIS_PASSWORD"`
	TLS              bool     `env:"LOYALTY_REDIS_TLS"`
	// Plain: the server knows no client-side caching.
	Plain bool `env:"LOYALTY_REDIS_PLAIN"`
}

// check refuses what says nothing, half of it, or two things.
func (s redisSettings) check() error {
	switch {
	case (s.SentinelMaster == "") != (len(s.Sentinels) == 0):
		return errors.New("settings: LOYALTY_REDIS_SENTINEL_MASTER and LOYALTY_REDIS_SENTINELS are set together or not at all")
	case s.Address == "" && s.SentinelMaster == "":
		return errors.New("settings: neither LOYALTY_REDIS_ADDRESS nor LOYALTY_REDIS_SENTINEL_MASTER is set")
	case s.Address != "" && s.SentinelMaster != "":
		return errors.New("settings: both LOYALTY_REDIS_ADDRESS and LOYALTY_REDIS_SENTINEL_MASTER are set")
	}
	return nil
}

func (s redisSettings) config(log *slog.Logger) redis.Config {
	return redis.Config{
		Address: s.Address, Replicas: s.Replicas, Username: s.Username, Password: s.Password, TLS: s.TLS, Plain: s.Plain,
		Log:      log,
		Sentinel: redis.Sentinel{Master: s.SentinelMaster, Addresses: s.Sentinels, Password: s.SentinelPassword},
	}
}

// busSettings say which bus carries the events.
type busSettings struct {
	Kind        string   `env:"LOYALTY_BUS"              envDefault:"kafka"`
	Brokers     []string `env:"LOYALTY_KAFKA_BROKERS"`
	Partitions  int      `env:"LOYALTY_KAFKA_PARTITIONS" envDefault:"12"`
	Replication int      `env:"LOYALTY_BUS_REPLICATION"  envDefault:"3"`
	Username    string   `env:"LOYALTY_KAFKA_USERNAME"`
	Password    string   `env:"LOYALTY_KAFKA_PASSWORD"`
	TLS         bool     `env:"LOYALTY_KAFKA_TLS"`
	NATS        string   `env:"LOYALTY_NATS_URL"`
	// Instance is a name of this replica that outlives a restart, and that no other replica of the service has.
	Instance string `env:"LOYALTY_INSTANCE"`
}

// connect connects to the bus and changes nothing there.
func (s busSettings) connect(ctx context.Context, log *slog.Logger) (event.Bus, error) {
	switch s.Kind {
	case "kafka":
		return s.connectKafka(ctx, log)
	case "nats":
		if s.NATS == "" {
			return nil, errors.New("settings: LOYALTY_NATS_URL is not set")
		}
		return jetstream.New(ctx, jetstream.Config{URL: s.NATS, Name: "loyalty", Grace: stopBus}, log)
	default:
		return nil, errors.New("settings: LOYALTY_BUS is neither kafka nor nats")
	}
}

func (s busSettings) connectKafka(ctx context.Context, log *slog.Logger) (event.Bus, error) {
	switch {
	case len(s.Brokers) == 0:
		return nil, errors.New("settings: LOYALTY_KAFKA_BROKERS is not set")
	case (s.Username == "") != (s.Password == ""):
		return nil, errors.New("settings: LOYALTY_KAFKA_USERNAME and LOYALTY_KAFKA_PASSWORD are set together or not at all")
	}
	c := kafka.Config{
		Brokers: s.Brokers, ClientID: "loyalty", Instance: s.Instance, Username: s.Username, Password: s.Password,
		Grace: stopBus,
	}
	if s.TLS {
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return kafka.New(ctx, c, log)
}

// open connects to the bus and sees that the platform's topics are there.
func (s busSettings) open(ctx context.Context, log *slog.Logger) (event.Bus, error) {
	bus, err := s.connect(ctx, log)
	if err != nil {
		return nil, err
	}
	if err := bus.EnsureTopics(ctx, s.Partitions, s.Replication, topics.All()...); err != nil {
		bus.Close()
		return nil, fmt.Errorf("create the topics, LOYALTY_BUS_REPLICATION being %d: %w", s.Replication, err)
	}
	return bus, nil
}

// databaseSettings name the databases, each service's own.
type databaseSettings struct {
	Users         string `env:"LOYALTY_USERS_DATABASE_URL"`
	Promotions    string `env:"LOYALTY_PROMOTIONS_DATABASE_URL"`
	Notifications string `env:"LOYALTY_NOTIFICATIONS_DATABASE_URL"`
}

// internalToken is the secret that the internal call shows.
type internalToken string

func (t internalToken) check() error {
	if len(t) < rpcserver.MinInternalToken {
		return fmt.Errorf("settings: LOYALTY_INTERNAL_TOKEN has less than %d characters", rpcserver.MinInternalToken)
	}
	return nil
}
