package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"time"

	"github.com/casino-loyalty/loyalty/internal/check"
	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/topics"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	notifications "github.com/casino-loyalty/loyalty/services/notifications/app"
)

// checkSettings are the settings of all services, all optional. The types databaseFields, redisFields, busFields and
// storeFields have no method Check: a missing location is not an error, and a connection that is not protected is a finding.
type checkSettings struct {
	Service        serviceSettings
	Databases      databaseFields
	Store          storeFields
	Redis          redisFields
	Bus            busFields
	TokenKey       signingKey           `env:"LOYALTY_TOKEN_KEY"`
	JWKS           config.HTTPURL       `env:"LOYALTY_JWKS_URL"`
	InsecureJWKS   insecure             `env:"LOYALTY_INSECURE_JWKS"`
	InternalListen config.ListenAddress `env:"LOYALTY_INTERNAL_LISTEN"`
	LedgerAddress  ledgerAddress        `env:"LOYALTY_LEDGER_ADDRESS"`
	InternalToken  internalToken        `env:"LOYALTY_INTERNAL_TOKEN"`
	InternalTLS    internalTLS
}

type (
	databaseFields databaseSettings
	redisFields    redisSettings
	busFields      busSettings
	storeFields    storeSettings
)

// ledgerTable is the append-only table of the database of users.
const ledgerTable = "transactions"

// checkOptions are the flags of loyalty check.
type checkOptions struct {
	preflight, asJSON bool
	timeout           time.Duration
	replicas          int
}

// runCheck examines every server in the settings. It returns an error if a check failed.
func runCheck(ctx context.Context, c call) error {
	var o checkOptions
	err := c.flags("check", 0, func(set *flag.FlagSet) {
		set.BoolVar(&o.preflight, "preflight", false,
			"before an installation: pending migrations, missing topics and a users service that does not run yet are only warnings")
		set.BoolVar(&o.asJSON, "json", false, "print one JSON object per line")
		cli.DurationVar(set, &o.timeout, "timeout", 10*time.Second, time.Second, "maximum `duration` of each check")
		cli.IntVar(set, &o.replicas, "replicas", 3, 1, math.MaxInt16, "`number` of replicas of each service, to count connections")
	})
	if err != nil {
		return err
	}
	settings, err := config.LoadWith[checkSettings](c.settings)
	if err != nil {
		return err
	}
	findings := check.Run(ctx, o.timeout, settings.checks(o)...)
	write := check.Write
	if o.asJSON {
		write = check.WriteJSON
	}
	if err := write(c.stdout, findings); err != nil {
		return err
	}
	if n := check.Count(findings, check.Fail); n > 0 {
		return fmt.Errorf("%s, see above", cli.Count(n, "failure", "failures"))
	}
	return nil
}

// checks returns the checks in the order in which their findings are printed.
func (s checkSettings) checks(o checkOptions) []check.Check {
	all := append([]check.Check{s.protectionCheck()}, s.databaseChecks(o)...)
	all = append(all, s.mongoCheck())
	all = append(all, s.redisChecks()...)
	return append(all, s.busCheck(o), s.keysCheck(o), s.ledgerCheck(o), s.machineCheck())
}

// protectionCheck checks the connections in the settings.
func (s checkSettings) protectionCheck() check.Check {
	all := databaseSettings(s.Databases).connections()
	all = append(all, mongoConnection(s.Store.Mongo, s.Store.InsecureMongo),
		jwksSettings{URL: s.JWKS, Insecure: s.InsecureJWKS}.connection(),
		ledgerConnection("LOYALTY_INTERNAL_LISTEN", string(s.InternalListen), s.InternalTLS),
		ledgerConnection("LOYALTY_LEDGER_ADDRESS", string(s.LedgerAddress), s.InternalTLS))
	if r := redisSettings(s.Redis); r.located() == nil {
		all = append(all, r.connection())
	}
	if b := busSettings(s.Bus); b.complete() == nil {
		all = append(all, b.connection())
	}
	return protectionCheck(all...)
}

func (s checkSettings) databaseChecks(o checkOptions) []check.Check {
	named := map[string]int{} // databases of each server
	for _, d := range databaseSettings(s.Databases).all() {
		named[serverOf(d.url)]++
	}
	var all []check.Check
	for _, d := range databaseSettings(s.Databases).all() {
		subject := d.name + " database"
		if d.url == "" {
			all = append(all, check.Skipped(subject, d.setting))
			continue
		}
		c := check.Database{
			Name: d.name, URL: d.url, Migrations: d.migrations, Privileges: d.privileges, Preflight: o.preflight,
			Connections: named[serverOf(d.url)] * o.replicas * check.MaxConnections,
		}
		if d.name == "users" {
			c.Ledger = ledgerTable
		}
		all = append(all, check.Check{Subject: subject, Run: c.Run})
	}
	return all
}

// serverOf returns the host and the port of a database's URL.
func serverOf(text string) string {
	u, err := url.Parse(text)
	if err != nil { // the settings contain only URLs that can be parsed
		return ""
	}
	return u.Host
}

func (s checkSettings) mongoCheck() check.Check {
	if s.Store.Mongo == "" {
		return check.Skipped("MongoDB", "LOYALTY_MONGODB_URL")
	}
	return notifications.CheckMongo(string(s.Store.Mongo), s.Store.Database)
}

func (s checkSettings) redisChecks() []check.Check {
	r := redisSettings(s.Redis)
	if r.Address == "" && r.SentinelMaster == "" && len(r.Sentinels) == 0 {
		return []check.Check{check.Skipped("Redis", "LOYALTY_REDIS_ADDRESS")}
	}
	if err := r.located(); err != nil {
		return []check.Check{incomplete("Redis", err)}
	}
	c := r.config(slog.New(slog.DiscardHandler))
	return append([]check.Check{{Subject: "Redis", Run: check.Redis{Config: c}.Run}}, check.Sentinels(c)...)
}

func (s checkSettings) busCheck(o checkOptions) check.Check {
	b, name := busSettings(s.Bus), "Kafka"
	if b.Kind == busNATS {
		name = "NATS"
	}
	if len(b.Brokers) == 0 && b.NATS == "" {
		return check.Skipped(name, b.setting())
	}
	if err := b.complete(); err != nil {
		return incomplete(name, err)
	}
	sessionTimeout := b.SessionTimeout
	if b.Kind == busNATS {
		sessionTimeout = 0
	}
	return check.Check{Subject: name, Run: check.Bus{
		Name: name, Topics: topics.All(), Replication: b.Replication, SessionTimeout: sessionTimeout, Preflight: o.preflight,
		Open: func(ctx context.Context) (event.Bus, error) { return b.connect(ctx, slog.New(slog.DiscardHandler)) },
	}.Run}
}

func (s checkSettings) keysCheck(o checkOptions) check.Check {
	if s.JWKS == "" {
		return check.Skipped("token keys", "LOYALTY_JWKS_URL")
	}
	c := check.Keys{URL: string(s.JWKS), Signing: s.TokenKey.key, Preflight: o.preflight}
	return check.Check{Subject: "token keys", Run: c.Run}
}

func (s checkSettings) ledgerCheck(o checkOptions) check.Check {
	switch {
	case s.LedgerAddress == "":
		return check.Skipped("ledger", "LOYALTY_LEDGER_ADDRESS")
	case s.InternalToken == "":
		return incomplete("ledger", errors.New("LOYALTY_INTERNAL_TOKEN is not set"))
	}
	c := check.Ledger{Preflight: o.preflight, Dial: rpcserver.DialConfig{
		Address: string(s.LedgerAddress), Token: string(s.InternalToken), TLS: s.InternalTLS.files(),
	}}
	return check.Check{Subject: "ledger", Run: c.Run}
}

func (s checkSettings) machineCheck() check.Check {
	m := check.Machine{TrustedProxies: s.Service.TrustedProxies}
	if s.Store.Mongo != "" || s.Store.Postgres != "" { // the settings of notifications
		m.Sockets = notifications.DefaultSockets().MaxSockets
	}
	return check.Check{Subject: "this machine", Run: m.Run}
}

// incomplete returns a check that fails because of contradictory or missing settings.
func incomplete(subject string, err error) check.Check {
	return check.Check{Subject: subject, Run: func(_ context.Context, r *check.Report) {
		r.Fail(err.Error(), "complete the settings")
	}}
}
