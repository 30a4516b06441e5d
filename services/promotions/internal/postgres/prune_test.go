package postgres_test

import (
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/services/promotions"
)

func TestPrune(t *testing.T) {
	t.Parallel()
	rules := promotions.AnomalyRules{Window: time.Hour, PlayerCount: 5, ClaimRate: promotions.ClaimRateRule{Factor: 2, Minimum: 1, History: 10}}
	w := newWatch(start(t), rules)
	_, err := w.pool.Exec(t.Context(), `INSERT INTO anomaly_windows (scope, subject, length, start, entries, amount)
		SELECT scope, gen_random_uuid(), 3600, $1::timestamptz - hours * interval '1 hour', 1, 1
		FROM generate_series(0, 100) hours, generate_series(1, 120) n, unnest(ARRAY['PLAYER_ENTRIES', 'PROMOTION_CREDITS']) scope`,
		w.now.Truncate(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	// Events of each hour, with ids as the platform and as other producers make them, of two consumers.
	_, err = w.pool.Exec(t.Context(), `INSERT INTO inbox (consumer, event_id, handled_at)
		SELECT consumer, CASE kind WHEN 'v7' THEN substr(ms, 1, 8) || '-' || substr(ms, 9) || '-7000-8000-' || lpad(hours::text, 12, '0')
			ELSE 'transactions/' || hours END, at
		FROM (SELECT hours, $1::timestamptz - hours * interval '1 hour' AS at,
			lpad(to_hex((extract(epoch FROM $1::timestamptz - hours * interval '1 hour') * 1000)::bigint), 12, '0') AS ms
			FROM generate_series(0, 100) hours) e,
			unnest(ARRAY['promotions', 'promotions.transactions']) consumer, unnest(ARRAY['v7', 'other']) kind`, w.now)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.store.Prune(t.Context(), rules, w.now); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]int{
		"anomaly_windows WHERE scope = 'PLAYER_ENTRIES'":                               120 * (24 + 1),
		"anomaly_windows WHERE scope = 'PROMOTION_CREDITS'":                            120 * (24 + 1 + 10),
		"inbox WHERE consumer = 'promotions'":                                          2 * 101,
		"inbox WHERE consumer = 'promotions.transactions' AND event_id LIKE '%/%'":     101,
		"inbox WHERE consumer = 'promotions.transactions' AND event_id NOT LIKE '%/%'": 24 + 24 + 1 + 1,
	} {
		var n int
		if err := w.pool.QueryRow(t.Context(), "SELECT count(*) FROM "+query).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d rows remain, %v; want %d", query, n, err, want)
		}
	}
}
