package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/promotions/app"
)

// anomalySettings are the limits of the rules that find anomalies. The defaults are the same as in
// app.DefaultAnomalyRules.
type anomalySettings struct {
	Window             anomalyWindow    `env:"LOYALTY_ANOMALY_WINDOW"               envDefault:"1h"`
	PlayerAmount       amountLimit      `env:"LOYALTY_ANOMALY_PLAYER_AMOUNT"        envDefault:"10000.00"`
	PlayerCount        countLimit       `env:"LOYALTY_ANOMALY_PLAYER_COUNT"         envDefault:"100"`
	PromotionAmount    amountLimit      `env:"LOYALTY_ANOMALY_PROMOTION_AMOUNT"     envDefault:"100000.00"`
	PromotionCount     countLimit       `env:"LOYALTY_ANOMALY_PROMOTION_COUNT"      envDefault:"10000"`
	CreditWithoutClaim bool             `env:"LOYALTY_ANOMALY_CREDIT_WITHOUT_CLAIM" envDefault:"true"`
	ClaimRateFactor    claimRateFactor  `env:"LOYALTY_ANOMALY_CLAIM_RATE_FACTOR"    envDefault:"10"`
	ClaimRateMinimum   claimRateMinimum `env:"LOYALTY_ANOMALY_CLAIM_RATE_MINIMUM"   envDefault:"100"`
	ClaimRateHistory   claimRateHistory `env:"LOYALTY_ANOMALY_CLAIM_RATE_HISTORY"   envDefault:"24"`
}

func (s anomalySettings) rules() app.AnomalyRules {
	return app.AnomalyRules{
		Window:       time.Duration(s.Window),
		PlayerAmount: money.Amount(s.PlayerAmount), PlayerCount: int64(s.PlayerCount),
		PromotionAmount: money.Amount(s.PromotionAmount), PromotionCount: int64(s.PromotionCount),
		CreditWithoutClaim: s.CreditWithoutClaim,
		ClaimRate: app.ClaimRateRule{
			Factor: int64(s.ClaimRateFactor), Minimum: int64(s.ClaimRateMinimum), History: int(s.ClaimRateHistory),
		},
	}
}

// off is the value that turns a rule off.
const off = "off"

// The maximum values of the settings. They keep the sums and products that the rules compute far below the maximum of an
// int64, and limit the number of stored windows.
const (
	maxAnomalyCount     = 1_000_000_000
	maxClaimRateFactor  = 1000
	maxClaimRateHistory = 168
)

// anomalyWindow is a duration that divides a day.
type anomalyWindow time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *anomalyWindow) UnmarshalText(text []byte) error {
	const day = 24 * time.Hour
	d, err := time.ParseDuration(string(text))
	if err != nil || d < time.Minute || d > day || day%d != 0 || d%time.Second != 0 {
		return &config.ValueError{Text: "must be a duration from 1m to 24h that divides 24h, for example 1h"}
	}
	*w = anomalyWindow(d)
	return nil
}

// amountLimit is an amount of money, or zero for off.
type amountLimit money.Amount

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *amountLimit) UnmarshalText(text []byte) error {
	if string(text) == off {
		*l = 0
		return nil
	}
	amount, err := money.Parse(string(text))
	if err != nil || amount == 0 {
		return &config.ValueError{Text: "must be an amount of 0.01 or more, for example 10000.00, or off"}
	}
	*l = amountLimit(amount)
	return nil
}

// countLimit is a number of entries, or zero for off.
type countLimit int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *countLimit) UnmarshalText(text []byte) error {
	return parseLimit(l, text, 1, maxAnomalyCount, true)
}

// claimRateFactor is a factor, or zero for off.
type claimRateFactor int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *claimRateFactor) UnmarshalText(text []byte) error {
	return parseLimit(f, text, 2, maxClaimRateFactor, true)
}

// claimRateMinimum is a number of credits.
type claimRateMinimum int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *claimRateMinimum) UnmarshalText(text []byte) error {
	return parseLimit(m, text, 1, maxAnomalyCount, false)
}

// claimRateHistory is a number of windows.
type claimRateHistory int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *claimRateHistory) UnmarshalText(text []byte) error {
	return parseLimit(h, text, app.MinEarlierWindows, maxClaimRateHistory, false)
}

// parseLimit parses a whole number from least to most, or off if the setting can turn a rule off.
func parseLimit[T ~int64](dst *T, text []byte, least, most int64, canBeOff bool) error {
	if canBeOff && string(text) == off {
		*dst = 0
		return nil
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < least || n > most {
		message := fmt.Sprintf("must be a whole number from %d to %d", least, most)
		if canBeOff {
			message += ", or off"
		}
		return &config.ValueError{Text: message}
	}
	*dst = T(n)
	return nil
}
