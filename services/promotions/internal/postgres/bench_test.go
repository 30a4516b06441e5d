package postgres_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

// BenchmarkTransactionAdded measures the entries of claims that are already marked, which are nearly all entries in
// production. Twelve goroutines stand for the partitions of the topic. All claims are of one promotion, so that all
// transactions update the same row of the windows.
func BenchmarkTransactionAdded(b *testing.B) {
	pool := postgrestest.New(b, atlas.Promotions)
	promotion := uuid.New()
	_, err := pool.Exec(b.Context(), `INSERT INTO promotions (id, title, description, type, amount, start_date, end_date, created_at, updated_at)
		VALUES ($1, 'x', '', 'BONUS', 5, now(), now(), now(), now())`, promotion)
	if err != nil {
		b.Fatal(err)
	}
	rows, err := pool.Query(b.Context(), `INSERT INTO player_promotions (id, user_id, claimed, amount, created_at, claimed_at, transaction_id, title, promotion_id)
		SELECT gen_random_uuid(), gen_random_uuid(), true, 5, now(), now(), gen_random_uuid(), 'x', $1 FROM generate_series(1, 20000)
		RETURNING id, user_id, transaction_id`, promotion)
	if err != nil {
		b.Fatal(err)
	}
	type claim struct{ ID, UserID, TransactionID uuid.UUID }
	claims, err := pgx.CollectRows(rows, pgx.RowToStructByPos[claim])
	if err != nil {
		b.Fatal(err)
	}
	rules := promotions.DefaultAnomalyRules()
	rules.PromotionAmount, rules.PromotionCount = 0, 0
	monitor := promotions.NewMonitor(postgres.New(pool, func() {}), nil, rules, func(_ context.Context, a promotions.Anomaly) { b.Error(a) }, time.Now)
	var next atomic.Int64
	b.SetParallelism(6) // on two cores
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c := claims[next.Add(1)%int64(len(claims))]
			err := monitor.TransactionAdded(b.Context(), promotions.Entry{
				EventID: uuid.NewString(), Key: c.ID.String(), At: time.Now(), Transaction: promotions.Transaction{
					ID: c.TransactionID, UserID: c.UserID, Type: promotions.TransactionTypeCredit, Amount: 500,
					AdditionalData: map[string]any{"promotionId": promotion.String()},
				},
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
