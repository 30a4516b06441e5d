package main

import (
	"context"
	"net/http"
	"time"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/services/promotions/app"
)

type promotionsSettings struct {
	Service       serviceSettings
	Tokens        tokenSettings
	Redis         redisSettings
	Bus           busSettings
	Database      string `env:"LOYALTY_PROMOTIONS_DATABASE_URL,required,notEmpty"`
	JWKS          string `env:"LOYALTY_JWKS_URL,required,notEmpty"`
	LedgerAddress string `env:"LOYALTY_LEDGER_ADDRESS,required,notEmpty"`
	InternalToken string `env:"LOYALTY_INTERNAL_TOKEN,required,notEmpty"`
}

// runPromotions runs the promotions service.
func runPromotions(ctx context.Context, c call) error {
	if err := c.flags("promotions", nil); err != nil {
		return err
	}
	s, err := config.LoadWith[promotionsSettings](c.settings)
	if err != nil {
		return err
	}
	log := s.Service.logger("promotions")
	bus, err := s.Bus.open(ctx, log)
	if err != nil {
		return err
	}
	defer bus.Close()
	a, err := app.New(ctx, app.Config{
		DatabaseURL: s.Database, Redis: s.Redis.config(log), Bus: bus,
		Keys: remoteKeys(s.JWKS), Issuer: s.Tokens.Issuer, Audience: s.Tokens.Audience,
		LedgerAddress: s.LedgerAddress, InternalToken: s.InternalToken, TrustedProxies: s.Service.TrustedProxies,
	}, log)
	if err != nil {
		return err
	}
	return serve(ctx, s.Service.Listen, a, log)
}

// remoteKeys are the public keys that users publishes.
func remoteKeys(url string) authn.KeySource {
	return authn.NewRemoteKeys(url, &http.Client{Timeout: 5 * time.Second})
}
