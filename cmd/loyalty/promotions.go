package main

import (
	"context"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/promotions/app"
)

type promotionsSettings struct {
	Service       serviceSettings
	Tokens        tokenSettings
	Redis         redisSettings
	Bus           busSettings
	Database      promotionsDatabase
	JWKS          jwksSettings
	LedgerAddress ledgerAddress `env:"LOYALTY_LEDGER_ADDRESS,required,notEmpty"`
	InternalToken internalToken `env:"LOYALTY_INTERNAL_TOKEN,required,notEmpty"`
	InternalTLS   internalTLS
	Anomalies     anomalySettings
}

// Check returns an error if the calls of the ledger are not protected.
func (s promotionsSettings) Check() error {
	return protected(ledgerConnection("LOYALTY_LEDGER_ADDRESS", string(s.LedgerAddress), s.InternalTLS))
}

// ledgerAddress is the address of the ledger: host:port, or dns://SERVER/HOST:PORT. SERVER is the address of a DNS server.
type ledgerAddress string

// UnmarshalText implements encoding.TextUnmarshaler. It checks the address.
func (a *ledgerAddress) UnmarshalText(text []byte) error {
	address := string(text)
	var plain config.Address
	if rest, ok := strings.CutPrefix(address, "dns://"); ok {
		server, host, ok := strings.Cut(rest, "/")
		if !ok || strings.ContainsAny(server, "@ ") || plain.UnmarshalText([]byte(host)) != nil {
			return &config.ValueError{Text: "must be host:port or dns://SERVER/HOST:PORT, " +
				"for example users.internal:9090 or dns://10.0.0.2:53/users.internal:9090"}
		}
	} else if err := plain.UnmarshalText(text); err != nil {
		return err
	}
	*a = ledgerAddress(address)
	return nil
}

// runPromotions runs the promotions service.
func runPromotions(ctx context.Context, c call) error {
	if err := c.flags("promotions", 0, nil); err != nil {
		return err
	}
	s, err := config.LoadWith[promotionsSettings](c.settings)
	if err != nil {
		return err
	}
	keys, err := accesstoken.NewRemoteKeys(string(s.JWKS.URL))
	if err != nil {
		return err
	}
	log := s.Service.logger("promotions")
	tracer, err := s.Service.Traces.tracer(ctx, "promotions", log)
	if err != nil {
		return err
	}
	open := func(ctx context.Context, bus event.Bus) (service, error) {
		return app.New(ctx, app.Config{
			DatabaseURL: string(s.Database.URL), Redis: s.Redis.config(log), Bus: bus,
			Keys: keys, Issuer: s.Tokens.Issuer, Audience: s.Tokens.Audience,
			LedgerAddress: string(s.LedgerAddress), InternalToken: string(s.InternalToken),
			LedgerTLS: s.InternalTLS.files(), TrustedProxies: s.Service.TrustedProxies, Reflection: s.Service.Reflection,
			Anomalies: s.Anomalies.rules(), AccessLog: s.Service.AccessLog.accessLog(), Tracer: tracer,
		}, log)
	}
	return s.Service.serve(ctx, process{
		name: "promotions", log: log, tracer: tracer, bus: s.Bus, open: open,
		database: "LOYALTY_PROMOTIONS_DATABASE_URL", redis: s.Redis.setting(),
		role: serviceRole{"LOYALTY_PROMOTIONS_DATABASE_URL", s.Database.URL, s.Database.Insecure},
	})
}
