package app_test

import (
	"log/slog"
	"testing"

	"github.com/casino-loyalty/loyalty/services/promotions/app"
)

func TestNewNamesEveryMissingSetting(t *testing.T) {
	t.Parallel()
	const want = `promotions: DatabaseURL is not set
promotions: Bus is not set
promotions: Keys is not set
promotions: Issuer is not set
promotions: Audience is not set
promotions: LedgerAddress is not set
promotions: InternalToken is not set
promotions: Anomalies.Window is not set`
	_, err := app.New(t.Context(), app.Config{}, slog.New(slog.DiscardHandler))
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
