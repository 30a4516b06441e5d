package app

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/netip"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Limits bound how often somebody may try.
type Limits = users.Limits

// DefaultLimits is made for production.
func DefaultLimits() Limits { return users.DefaultLimits() }

// Config is everything that the service is told.
type Config struct {
	// DatabaseURL is the service's own, migrated PostgreSQL database.
	DatabaseURL string
	// Redis keeps the sessions and counts attempts.
	Redis redis.Config
	// Bus carries the events.
	Bus event.Publisher
	// PrivateKey signs access tokens, which Issuer issues for Audience.
	PrivateKey       ed25519.PrivateKey
	Issuer, Audience string
	// OtherKeys are published and accepted beside PrivateKey's own: the one before it, or the one to come.
	OtherKeys []ed25519.PublicKey
	// InternalListen is the address of the ledger's gRPC listener, which no gateway routes to, and InternalToken the
	// secret that its callers show, at least 16 characters.
	InternalListen, InternalToken string
	// Limits bound how often somebody may try; a zero limit is none. The caller begins with DefaultLimits.
	Limits Limits
	// Password is what hashing a password costs. The caller begins with password.Default().
	Password password.Params
	// TrustedProxies may say which address a client has.
	TrustedProxies []netip.Prefix
	// Reflection enables gRPC server reflection on the public and the internal listener.
	Reflection bool
}

func (c Config) validate() error {
	var errs []error
	for _, s := range []struct {
		name    string
		missing bool
	}{
		{"DatabaseURL", c.DatabaseURL == ""}, {"Bus", c.Bus == nil}, {"PrivateKey", len(c.PrivateKey) == 0},
		{"Issuer", c.Issuer == ""}, {"Audience", c.Audience == ""}, {"InternalListen", c.InternalListen == ""},
		{"InternalToken", c.InternalToken == ""}, {"Limits", c.Limits == Limits{}},
		{"Password", c.Password == password.Params{}},
	} {
		if s.missing {
			errs = append(errs, fmt.Errorf("users: %s is not set", s.name))
		}
	}
	if err := c.Limits.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("users: Limits.%w", err))
	}
	return errors.Join(errs...)
}
