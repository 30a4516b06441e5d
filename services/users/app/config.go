package app

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/internal/tracing"
	"github.com/casino-loyalty/loyalty/services/users"
	store "github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// Limits are rate limits; see [users.Limits].
type Limits = users.Limits

// MaxPerMinute is the maximum of a limit per address; see [users.MaxPerMinute].
const MaxPerMinute = users.MaxPerMinute

// DefaultSessionLifetime is the time from a login to the absolute end of the session, by default.
const DefaultSessionLifetime = session.DefaultLifetime

// DefaultLimits returns the limits for production.
func DefaultLimits() Limits { return users.DefaultLimits() }

// SecondFactor are the rules for second factors of employees.
type SecondFactor struct {
	// Required is true if employees must have a second factor.
	Required bool
	// Freshness is the time for which a presented second factor permits acts that need a fresh one.
	Freshness time.Duration
}

// DefaultSecondFactor returns the default rules: second factors are optional and stay fresh for five minutes.
func DefaultSecondFactor() SecondFactor { return SecondFactor{Freshness: 5 * time.Minute} }

// AuditRetention is the time for which entries of the audit trail are kept.
type AuditRetention = store.AuditRetention

// The minimums of AuditRetention.
const (
	MinActRetention   = store.MinActRetention
	MinLoginRetention = store.MinLoginRetention
)

// DefaultAuditRetention returns the default retention: two years for acts of employees and operators, 90 days for other
// entries, such as logins of players and failed logins.
func DefaultAuditRetention() AuditRetention {
	return AuditRetention{Acts: 2 * 365 * 24 * time.Hour, Logins: 90 * 24 * time.Hour}
}

// Config is the configuration of the service. All fields but OtherKeys, OtherPrivateKeys, LedgerOtherKeys, InternalTLS,
// TrustedProxies, Reflection, AccessLog and Tracer are required.
type Config struct {
	// DatabaseURL is the URL of the service's PostgreSQL database, which must be migrated.
	DatabaseURL string
	// Redis stores the sessions and the state of the rate limits.
	Redis redis.Config
	// Bus carries the events.
	Bus event.Bus
	// PrivateKey signs access tokens. Issuer and Audience are their claims "iss" and "aud".
	PrivateKey       ed25519.PrivateKey
	Issuer, Audience string
	// OtherKeys are additional public keys that are published and accepted: the next key before a rotation, and the previous
	// key after it.
	OtherKeys []ed25519.PublicKey
	// OtherPrivateKeys are the same keys, as far as they are known. They verify records of sessions that were made with them.
	OtherPrivateKeys []ed25519.PrivateKey
	// LedgerKey computes the MACs of the ledger's entries. All replicas must have the same key.
	LedgerKey ledgerchain.Key
	// LedgerOtherKeys are previous keys of the ledger. They decrypt the second factors that were enrolled before a rotation.
	LedgerOtherKeys ledgerchain.Keys
	// InternalListen is the address of the ledger's gRPC listener. The gateway must not route to it. InternalToken is the
	// secret that authenticates callers of the listener. It has at least 16 characters.
	InternalListen, InternalToken string
	// InternalTLS enables mutual TLS on the ledger's listener.
	InternalTLS rpcserver.TLSFiles
	// Limits are the rate limits. A single limit of zero means no limit. Start with DefaultLimits.
	Limits Limits
	// SessionLifetime is the time from a login to the absolute end of the session. Start with DefaultSessionLifetime.
	SessionLifetime time.Duration
	// SecondFactor are the rules for second factors. Start with DefaultSecondFactor.
	SecondFactor SecondFactor
	// AuditRetention is the time for which entries of the audit trail are kept. Start with DefaultAuditRetention.
	AuditRetention AuditRetention
	// Password is the cost of hashing a password. Start with password.Default().
	Password password.Params
	// TrustedProxies are the networks of trusted proxies. Their X-Real-IP header determines the client's address.
	TrustedProxies []netip.Prefix
	// Reflection enables gRPC server reflection on the public and the internal listener.
	Reflection bool
	// AccessLog selects the requests of the public and the internal listener that are logged.
	AccessLog rpcserver.AccessLog
	// Tracer traces requests, events and calls. It is optional.
	Tracer *tracing.Tracer
}

// validate returns an error that names all missing and invalid settings.
func (c Config) validate() error {
	var errs []error
	for _, s := range []struct {
		name    string
		missing bool
	}{
		{"DatabaseURL", c.DatabaseURL == ""}, {"Bus", c.Bus == nil}, {"PrivateKey", len(c.PrivateKey) == 0},
		{"LedgerKey", c.LedgerKey.IsZero()},
		{"Issuer", c.Issuer == ""}, {"Audience", c.Audience == ""}, {"InternalListen", c.InternalListen == ""},
		{"InternalToken", c.InternalToken == ""}, {"Limits", c.Limits == Limits{}},
		{"SessionLifetime", c.SessionLifetime <= 0}, {"SecondFactor", c.SecondFactor.Freshness <= 0},
		{"Password", c.Password == password.Params{}},
	} {
		if s.missing {
			errs = append(errs, fmt.Errorf("users: %s is not set", s.name))
		}
	}
	if err := c.Limits.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("users: Limits.%w", err))
	}
	if err := c.AuditRetention.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("users: AuditRetention: %w", err))
	}
	return errors.Join(errs...)
}
