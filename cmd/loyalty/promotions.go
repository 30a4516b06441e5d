package main

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/services/promotions/app"
)

type promotionsSettings struct {
	Service       serviceSettings
	Tokens        tokenSettings
	Redis         redisSettings
	Bus           busSettings
	Database      config.PostgresURL `env:"LOYALTY_PROMOTIONS_DATABASE_URL,required,notEmpty"`
	JWKS          config.HTTPURL     `env:"LOYALTY_JWKS_URL,required,notEmpty"`
	LedgerAddress config.Address     `env:"LOYALTY_LEDGER_ADDRESS,required,notEmpty"`
	InternalToken internalToken      `env:"LOYALTY_INTERNAL_TOKEN,required,notEmpty"`
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
	keys, err := accesstoken.NewRemoteKeys(string(s.JWKS))
	if err != nil {
		return err
	}
	log := s.Service.logger("promotions")
	bus, err := s.Bus.open(ctx, log)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, app.Config{
		DatabaseURL: string(s.Database), Redis: s.Redis.config(log), Bus: bus,
		Keys: keys, Issuer: s.Tokens.Issuer, Audience: s.Tokens.Audience,
		LedgerAddress: string(s.LedgerAddress), InternalToken: string(s.InternalToken), TrustedProxies: s.Service.TrustedProxies,
		Reflection: s.Service.Reflection,
	}, log)
	if err != nil {
		bus.Close()
		return err
	}
	return serve(ctx, string(s.Service.Listen), a, bus, stopAll, log)
}
