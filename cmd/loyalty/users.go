package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/services/users/app"
)

type usersSettings struct {
	Service        serviceSettings
	Tokens         tokenSettings
	Redis          redisSettings
	Bus            busSettings
	Database       usersDatabase
	TokenKey       signingKey           `env:"LOYALTY_TOKEN_KEY,required,notEmpty"`
	InternalListen config.ListenAddress `env:"LOYALTY_INTERNAL_LISTEN"                  envDefault:":9090"`
	InternalToken  internalToken        `env:"LOYALTY_INTERNAL_TOKEN,required,notEmpty"`
	InternalTLS    internalTLS
	// OtherKeys are additional keys that verify access tokens and sessions: the next key before a rotation, the previous key
	// for a day after it.
	OtherKeys otherKeys `env:"LOYALTY_TOKEN_OTHER_KEYS"`
	Ledger    ledgerKeySettings
	Limits    limitSettings
	Factor    factorSettings
	Audit     auditSettings
	// SessionLifetime is the time from a login to the absolute end of the session.
	SessionLifetime sessionLifetime `env:"LOYALTY_SESSION_LIFETIME" envDefault:"720h"`
}

// Check returns an error if the internal listener is not protected.
func (s usersSettings) Check() error {
	return protected(ledgerConnection("LOYALTY_INTERNAL_LISTEN", string(s.InternalListen), s.InternalTLS))
}

// maxSessionLifetime is the maximum of LOYALTY_SESSION_LIFETIME, one year.
const maxSessionLifetime = 365 * 24 * time.Hour

// sessionLifetime is the time from a login to the absolute end of the session.
type sessionLifetime time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *sessionLifetime) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < time.Minute || d > maxSessionLifetime {
		return &config.ValueError{Text: "must be a duration from 1m to 8760h"}
	}
	*l = sessionLifetime(d)
	return nil
}

// limitSettings are the rate limits per address and session. The defaults are the same as in app.DefaultLimits.
type limitSettings struct {
	Registrations perMinute `env:"LOYALTY_REGISTRATIONS_PER_ADDRESS" envDefault:"20"`
	FailedLogins  perMinute `env:"LOYALTY_FAILED_LOGINS_PER_ADDRESS" envDefault:"20"`
	Refreshes     perMinute `env:"LOYALTY_REFRESHES_PER_SESSION"     envDefault:"12"`
}

// limits returns the default limits with these limits per address and session.
func (s limitSettings) limits() app.Limits {
	return app.DefaultLimits().PerAddress(int(s.Registrations), int(s.FailedLogins)).PerSession(int(s.Refreshes))
}

// perMinute is a rate limit in events per minute.
type perMinute int

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *perMinute) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > app.MaxPerMinute {
		return &config.ValueError{Text: fmt.Sprintf("must be a whole number from 1 to %d", app.MaxPerMinute)}
	}
	*p = perMinute(n)
	return nil
}

// factorSettings are the rules for second factors of employees. The defaults are the same as in app.DefaultSecondFactor.
type factorSettings struct {
	Required  bool            `env:"LOYALTY_MFA_REQUIRED"`
	Freshness factorFreshness `env:"LOYALTY_MFA_FRESHNESS" envDefault:"5m"`
}

// factorFreshness is the time for which a presented second factor permits acts that need a fresh one.
type factorFreshness time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *factorFreshness) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < time.Minute || d > 24*time.Hour {
		return &config.ValueError{Text: "must be a duration from 1m to 24h"}
	}
	*f = factorFreshness(d)
	return nil
}

// auditSettings are the retention times of the audit trail. The defaults are the same as in app.DefaultAuditRetention.
type auditSettings struct {
	Acts   actRetention   `env:"LOYALTY_AUDIT_RETENTION"       envDefault:"17520h"`
	Logins loginRetention `env:"LOYALTY_AUDIT_LOGIN_RETENTION" envDefault:"2160h"`
}

// actRetention and loginRetention are the times for which the audit trail keeps acts of employees, and other entries.
type (
	actRetention   time.Duration
	loginRetention time.Duration
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *actRetention) UnmarshalText(text []byte) error {
	return parseRetention((*time.Duration)(r), text, app.MinActRetention)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *loginRetention) UnmarshalText(text []byte) error {
	return parseRetention((*time.Duration)(r), text, app.MinLoginRetention)
}

func parseRetention(to *time.Duration, text []byte, least time.Duration) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < least {
		return &config.ValueError{Text: fmt.Sprintf("must be a duration of at least %dh", least/time.Hour)}
	}
	*to = d
	return nil
}

// runUsers runs the users service.
func runUsers(ctx context.Context, c call) error {
	if err := c.flags("users", 0, nil); err != nil {
		return err
	}
	s, err := config.LoadWith[usersSettings](c.settings)
	if err != nil {
		return err
	}
	log := s.Service.logger("users")
	tracer, err := s.Service.Traces.tracer(ctx, "users", log)
	if err != nil {
		return err
	}
	open := func(ctx context.Context, bus event.Bus) (service, error) {
		return app.New(ctx, app.Config{
			DatabaseURL: string(s.Database.URL), Redis: s.Redis.config(log), Bus: bus,
			PrivateKey: s.TokenKey.key, OtherKeys: s.OtherKeys.public, Issuer: s.Tokens.Issuer, Audience: s.Tokens.Audience,
			OtherPrivateKeys: s.OtherKeys.private, LedgerKey: s.Ledger.Key.key,
			LedgerOtherKeys: s.Ledger.otherKeys(),
			InternalListen:  string(s.InternalListen), InternalToken: string(s.InternalToken),
			InternalTLS: s.InternalTLS.files(),
			Limits:      s.Limits.limits(), SessionLifetime: time.Duration(s.SessionLifetime),
			SecondFactor: app.SecondFactor{Required: s.Factor.Required, Freshness: time.Duration(s.Factor.Freshness)},
			AuditRetention: app.AuditRetention{
				Acts: time.Duration(s.Audit.Acts), Logins: time.Duration(s.Audit.Logins),
			},
			Password: password.Default(), TrustedProxies: s.Service.TrustedProxies,
			Reflection: s.Service.Reflection, AccessLog: s.Service.AccessLog.accessLog(), Tracer: tracer,
		}, log)
	}
	return s.Service.serve(ctx, process{
		name: "users", log: log, tracer: tracer, bus: s.Bus, open: open,
		database: "LOYALTY_USERS_DATABASE_URL", redis: s.Redis.setting(),
		role: serviceRole{"LOYALTY_USERS_DATABASE_URL", s.Database.URL, s.Database.Insecure},
	})
}
