package main

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/jetstream"
	"github.com/casino-loyalty/loyalty/internal/event/kafka"
	"github.com/casino-loyalty/loyalty/internal/event/topics"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// diagnosticsSettings are the address on which a service serves metrics, health checks and profiles to operators.
type diagnosticsSettings struct {
	Listen config.ListenAddress `env:"LOYALTY_DIAGNOSTICS_LISTEN" envDefault:":9100"`
}

// serviceSettings are the settings of every service.
type serviceSettings struct {
	// Listen is the address on which the service serves the public API to the gateway.
	Listen         config.ListenAddress `env:"LOYALTY_LISTEN" envDefault:":8080"`
	Diagnostics    diagnosticsSettings
	TrustedProxies []netip.Prefix `env:"LOYALTY_TRUSTED_PROXIES"`
	// Reflection enables gRPC server reflection on the public and the internal listener.
	Reflection bool `env:"LOYALTY_REFLECTION"`
	Log        logSettings
	AccessLog  accessLogSettings
	Traces     traceSettings
}

// Check returns an error if a trusted network contains every address. Any client could then forge its address and evade the
// rate limits.
func (s serviceSettings) Check() error {
	for _, p := range s.TrustedProxies {
		if p.Bits() == 0 {
			return fmt.Errorf("LOYALTY_TRUSTED_PROXIES must not contain %s, which includes every address", p)
		}
	}
	return nil
}

// serve runs a process with the addresses of the settings; see [process.serve].
func (s serviceSettings) serve(ctx context.Context, p process) error {
	p.listen, p.diagnostics, p.timeout = string(s.Listen), string(s.Diagnostics.Listen), shutdownTimeout
	p.proxies = s.TrustedProxies
	return p.serve(ctx)
}

func (s serviceSettings) logger(service string) *slog.Logger {
	return slog.New(tracing.LogHandler(s.Log.logger(os.Stderr).Handler())).With("service", service)
}

// tokenSettings are the issuer and the audience of access tokens.
type tokenSettings struct {
	Issuer   string `env:"LOYALTY_TOKEN_ISSUER"   envDefault:"loyalty"`
	Audience string `env:"LOYALTY_TOKEN_AUDIENCE" envDefault:"loyalty"`
}

// signingKey is the private key that signs access tokens.
type signingKey struct{ key ed25519.PrivateKey }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *signingKey) UnmarshalText(text []byte) error {
	var pem config.PEM
	if err := pem.UnmarshalText(text); err != nil {
		return err
	}
	if strings.Count(string(pem), "-----BEGIN ") > 1 {
		return &config.ValueError{Text: "holds several keys: keep one, and move the others to LOYALTY_TOKEN_OTHER_KEYS"}
	}
	key, err := accesstoken.ParsePrivateKey([]byte(pem))
	if err != nil {
		return &config.ValueError{Text: err.Error()}
	}
	k.key = key
	return nil
}

// otherKeys are additional keys that verify access tokens. The private keys among them also verify the records of sessions.
type otherKeys struct {
	public  []ed25519.PublicKey
	private []ed25519.PrivateKey
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *otherKeys) UnmarshalText(text []byte) error {
	var pem config.PEM
	if err := pem.UnmarshalText(text); err != nil {
		return err
	}
	public, err := accesstoken.ParsePublicKeys([]byte(pem))
	if err != nil {
		return &config.ValueError{Text: err.Error()}
	}
	private, err := accesstoken.ParsePrivateKeys([]byte(pem))
	if err != nil {
		return &config.ValueError{Text: err.Error()}
	}
	k.public, k.private = public, private
	return nil
}

// redisSettings are the location of Redis and its credentials. The location is an address, or a Sentinel master set and its
// sentinels.
type redisSettings struct {
	Address          config.Address   `env:"LOYALTY_REDIS_ADDRESS"`
	Replicas         []config.Address `env:"LOYALTY_REDIS_REPLICAS"`
	SentinelMaster   string           `env:"LOYALTY_REDIS_SENTINEL_MASTER"`
	Sentinels        []config.Address `env:"LOYALTY_REDIS_SENTINELS"`
	SentinelPassword string           `env:"LOYALTY_REDIS_SENTINEL_PASSWORD"`
	Username         string           `env:"LOYALTY_REDIS_USERNAME"`
	Password         string           `env:"LOYALTY_REDIS_PASSWORD"`
	TLS              bool             `env:"LOYALTY_REDIS_TLS"`
	// Plain must be true for a server without client-side caching.
	Plain    bool     `env:"LOYALTY_REDIS_PLAIN"`
	Insecure insecure `env:"LOYALTY_INSECURE_REDIS"`
}

// Check returns an error if the location is missing, incomplete or contradictory, or if the connections are not protected.
func (s redisSettings) Check() error {
	if err := s.located(); err != nil {
		return err
	}
	return protected(s.connection())
}

// connection describes the connections to Redis and to its sentinels.
func (s redisSettings) connection() connection {
	addresses := append(addressStrings(s.Replicas), addressStrings(s.Sentinels)...)
	if s.Address != "" {
		addresses = append(addresses, string(s.Address))
	}
	away := remote(addresses...)
	return connection{
		setting: s.setting(), allow: "LOYALTY_INSECURE_REDIS", allowed: s.Insecure, secured: "set LOYALTY_REDIS_TLS=true",
		plain: away && !s.TLS, anonymous: away && s.Password == "",
	}
}

// located returns an error if the location is missing, incomplete or contradictory.
func (s redisSettings) located() error {
	switch {
	case (s.SentinelMaster == "") != (len(s.Sentinels) == 0):
		return errors.New("LOYALTY_REDIS_SENTINEL_MASTER and LOYALTY_REDIS_SENTINELS must be set together")
	case s.Address == "" && s.SentinelMaster == "":
		return errors.New("neither LOYALTY_REDIS_ADDRESS nor LOYALTY_REDIS_SENTINEL_MASTER is set")
	case s.Address != "" && s.SentinelMaster != "":
		return errors.New("both LOYALTY_REDIS_ADDRESS and LOYALTY_REDIS_SENTINEL_MASTER are set")
	}
	return nil
}

// setting returns the name of the setting with the addresses.
func (s redisSettings) setting() string {
	if s.SentinelMaster != "" {
		return "LOYALTY_REDIS_SENTINELS"
	}
	return "LOYALTY_REDIS_ADDRESS"
}

func (s redisSettings) config(log *slog.Logger) redis.Config {
	return redis.Config{
		Address: string(s.Address), Replicas: addressStrings(s.Replicas),
		Username: s.Username, Password: s.Password, TLS: s.TLS, Plain: s.Plain, Log: log,
		Sentinel: redis.Sentinel{
			Master: s.SentinelMaster, Addresses: addressStrings(s.Sentinels), Password: s.SentinelPassword,
		},
	}
}

func addressStrings(addresses []config.Address) []string {
	var out []string
	for _, a := range addresses {
		out = append(out, string(a))
	}
	return out
}

// busKind is the kind of the event bus.
type busKind string

const (
	busKafka busKind = "kafka"
	busNATS  busKind = "nats"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *busKind) UnmarshalText(text []byte) error {
	*k = busKind(text)
	return config.OneOf(string(text), string(busKafka), string(busNATS))
}

// busSettings are the location of the event bus and its credentials.
type busSettings struct {
	Kind        busKind          `env:"LOYALTY_BUS"              envDefault:"kafka"`
	Brokers     []config.Address `env:"LOYALTY_KAFKA_BROKERS"`
	Partitions  int              `env:"LOYALTY_KAFKA_PARTITIONS" envDefault:"12"`
	Replication int              `env:"LOYALTY_BUS_REPLICATION"  envDefault:"3"`
	Username    string           `env:"LOYALTY_KAFKA_USERNAME"`
	Password    string           `env:"LOYALTY_KAFKA_PASSWORD"`
	TLS         bool             `env:"LOYALTY_KAFKA_TLS"`
	// SessionTimeout is the time after which the partitions of a dead replica move to the others.
	SessionTimeout time.Duration  `env:"LOYALTY_KAFKA_SESSION_TIMEOUT" envDefault:"6s"`
	NATS           config.NATSURL `env:"LOYALTY_NATS_URL"`
	InsecureKafka  insecure       `env:"LOYALTY_INSECURE_KAFKA"`
	InsecureNATS   insecure       `env:"LOYALTY_INSECURE_NATS"`
	// Instance is the name of this replica. It stays the same across restarts. It must be unique among the replicas of the
	// service.
	Instance string `env:"LOYALTY_INSTANCE"`
}

// Check returns an error if the location of the chosen bus is not set, if another setting is incomplete or out of range, or
// if the connections are not protected.
func (s busSettings) Check() error { return errors.Join(s.complete(), protected(s.connection())) }

// connection describes the connections to the chosen bus.
func (s busSettings) connection() connection {
	if s.Kind == busNATS {
		return natsConnection(s.NATS, s.InsecureNATS)
	}
	away := remote(addressStrings(s.Brokers)...)
	return connection{
		setting: "LOYALTY_KAFKA_BROKERS", allow: "LOYALTY_INSECURE_KAFKA", allowed: s.InsecureKafka,
		secured: "set LOYALTY_KAFKA_TLS=true", plain: away && !s.TLS, anonymous: away && s.Password == "",
	}
}

// complete returns an error if the location of the chosen bus is not set, or if another setting is incomplete or out of
// range.
func (s busSettings) complete() error {
	var wrong []error
	add := func(bad bool, text string) {
		if bad {
			wrong = append(wrong, errors.New(text))
		}
	}
	add(s.Kind == busNATS && s.NATS == "", "LOYALTY_NATS_URL is not set")
	add(s.Kind == busKafka && len(s.Brokers) == 0, "LOYALTY_KAFKA_BROKERS is not set")
	add((s.Username == "") != (s.Password == ""),
		"LOYALTY_KAFKA_USERNAME and LOYALTY_KAFKA_PASSWORD must be set together")
	add(s.Partitions < 1, "LOYALTY_KAFKA_PARTITIONS must be 1 or more")
	add(s.SessionTimeout < time.Second || s.SessionTimeout > time.Minute, "LOYALTY_KAFKA_SESSION_TIMEOUT must be from 1s to 1m")
	add(s.Replication < 1, "LOYALTY_BUS_REPLICATION must be 1 or more")
	return errors.Join(wrong...)
}

// setting implements eventBus.
func (s busSettings) setting() string {
	if s.Kind == busNATS {
		return "LOYALTY_NATS_URL"
	}
	return "LOYALTY_KAFKA_BROKERS"
}

// connect implements eventBus.
func (s busSettings) connect(ctx context.Context, log *slog.Logger) (event.Bus, error) {
	if s.Kind == busNATS {
		return jetstream.New(ctx, jetstream.Config{URL: string(s.NATS), Name: "loyalty", Grace: busGrace}, log)
	}
	c := kafka.Config{
		Brokers: addressStrings(s.Brokers), ClientID: "loyalty", Instance: s.Instance, Username: s.Username, Password: s.Password,
		SessionTimeout: s.SessionTimeout, Grace: busGrace,
	}
	if s.TLS {
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return kafka.New(ctx, c, log)
}

// createTopics implements eventBus.
func (s busSettings) createTopics(ctx context.Context, bus event.Bus) error {
	if err := bus.EnsureTopics(ctx, s.Partitions, s.Replication, topics.All()...); err != nil {
		return fmt.Errorf("create the topics with LOYALTY_BUS_REPLICATION=%d: %w", s.Replication, err)
	}
	return nil
}

// usersDatabase locates the database of users.
type usersDatabase struct {
	URL      config.PostgresURL `env:"LOYALTY_USERS_DATABASE_URL,required,notEmpty"`
	Insecure insecurePostgres   `env:"LOYALTY_INSECURE_POSTGRES"`
}

// Check returns an error if the connections are not protected.
func (s usersDatabase) Check() error {
	return protected(postgresConnection("LOYALTY_USERS_DATABASE_URL", s.URL, s.Insecure.insecure))
}

// promotionsDatabase locates the database of promotions.
type promotionsDatabase struct {
	URL      config.PostgresURL `env:"LOYALTY_PROMOTIONS_DATABASE_URL,required,notEmpty"`
	Insecure insecurePostgres   `env:"LOYALTY_INSECURE_POSTGRES"`
}

// Check returns an error if the connections are not protected.
func (s promotionsDatabase) Check() error {
	return protected(postgresConnection("LOYALTY_PROMOTIONS_DATABASE_URL", s.URL, s.Insecure.insecure))
}

// databaseSettings are the URLs of the services' databases.
type databaseSettings struct {
	Users         config.PostgresURL `env:"LOYALTY_USERS_DATABASE_URL"`
	Promotions    config.PostgresURL `env:"LOYALTY_PROMOTIONS_DATABASE_URL"`
	Notifications config.PostgresURL `env:"LOYALTY_NOTIFICATIONS_DATABASE_URL"`
	Insecure      insecurePostgres   `env:"LOYALTY_INSECURE_POSTGRES"`
	Log           logSettings
}

// connections describes the connections to the databases.
func (s databaseSettings) connections() []connection {
	var all []connection
	for _, d := range s.all() {
		all = append(all, postgresConnection(d.setting, config.PostgresURL(d.url), s.Insecure.insecure))
	}
	return all
}

// Check returns an error if the connections are not protected.
func (s databaseSettings) Check() error { return protected(s.connections()...) }

// internalToken is the secret that authenticates internal calls.
type internalToken string

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *internalToken) UnmarshalText(text []byte) error {
	if len(text) < rpcserver.MinInternalToken {
		return &config.ValueError{Text: fmt.Sprintf("must have %d characters or more", rpcserver.MinInternalToken)}
	}
	*t = internalToken(text)
	return nil
}

// internalTLS are the paths of the files for mutual TLS between the services. The files are read again for each connection.
type internalTLS struct {
	Certificate string `env:"LOYALTY_INTERNAL_TLS_CERTIFICATE"`
	Key         string `env:"LOYALTY_INTERNAL_TLS_KEY"`
	CA          string `env:"LOYALTY_INTERNAL_TLS_CA"`
	// Insecure allows calls without TLS.
	Insecure insecure `env:"LOYALTY_INSECURE_LEDGER"`
}

// Check returns an error if only some of the paths are set, or if a file cannot be used.
func (s internalTLS) Check() error {
	if set := (s.Certificate != ""); (s.Key != "") != set || (s.CA != "") != set {
		return errors.New("LOYALTY_INTERNAL_TLS_CERTIFICATE, LOYALTY_INTERNAL_TLS_KEY and LOYALTY_INTERNAL_TLS_CA " +
			"must be set together")
	}
	err := s.files().Validate()
	if e, ok := errors.AsType[*rpcserver.TLSFileError](err); ok {
		return fmt.Errorf("LOYALTY_INTERNAL_TLS_%s: %w", strings.ToUpper(e.Field), e.Err)
	}
	return err
}

func (s internalTLS) files() rpcserver.TLSFiles {
	return rpcserver.TLSFiles{Certificate: s.Certificate, Key: s.Key, CA: s.CA}
}
