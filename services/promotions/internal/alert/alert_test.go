package alert_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/alert"
)

func TestAlerts(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := alert.New(slog.New(slog.NewTextHandler(&log, nil)))
	player := uuid.New()
	for range 2 {
		a.Found(t.Context(), promotions.Anomaly{ID: uuid.New(), Rule: promotions.AnomalyRulePlayerCount, UserID: player, Detail: "too many"})
	}
	if n, other := a.Count(promotions.AnomalyRulePlayerCount), a.Count(promotions.AnomalyRuleClaimRate); n != 2 || other != 0 {
		t.Errorf("counted %d and %d, want 2 and 0", n, other)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("logged %q, want two lines", lines)
	}
	for _, want := range []string{"level=WARN", `msg="anomaly found"`, "rule=PLAYER_COUNT", "user=" + player.String(), `detail="too many"`} {
		if !strings.Contains(lines[0], want) || strings.Contains(lines[0], "promotion=") {
			t.Errorf("logged %s, want %s and no promotion", lines[0], want)
		}
	}
}
