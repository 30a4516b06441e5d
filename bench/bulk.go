package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
)

// bulkPlayers is the number of players of one assignment.
const bulkPlayers = 1000

// bulkRow measures an assignment of a promotion to many players with one request: the time until the answer, and until all
// events are on their topic.
func bulkRow() Row {
	return Row{
		Name: fmt.Sprintf("assign %d players over HTTP", bulkPlayers), Limit: "pgbench -c 1: insert the rows, no events",
		Metrics: []Metric{
			{Name: "answer", Unit: "ms", Goal: 2.5, AtMost: true},
			{Name: "all events on the topic", Unit: "ms", Goal: 4, AtMost: true},
		},
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			f, err := env.fleet(ctx, 1)
			if err != nil {
				return nil, err
			}
			if err := f.signIn(ctx, 0); err != nil {
				return nil, err
			}
			pool := f.pools["promotions"]
			_, err = pool.Exec(ctx, `INSERT INTO players (id, is_active, created_at, updated_at)
				SELECT ($1 || n)::uuid, true, now(), now() FROM generate_series($2::bigint, $3::bigint) n`,
				playerPrefix, firstPlayer, firstPlayer+bulkPlayers-1)
			if err == nil {
				_, err = pool.Exec(ctx, "CREATE SEQUENCE bench_ids CACHE 64") // for pgbench
			}
			return &Pair{Ours: f.assignBulk, Limit: f.insertBulk}, err
		},
	}
}

// assignBulk assigns new promotions to the players for d, one after the other. It returns the mean times in milliseconds.
func (f *fleet) assignBulk(ctx context.Context, d time.Duration) ([]float64, error) {
	players := make([]string, bulkPlayers)
	for i := range players {
		players[i] = playerID(i).String()
	}
	var answered, published time.Duration
	n := 0
	for start := time.Now(); n == 0 || time.Since(start) < d; n++ {
		promotion, err := f.createPromotion(ctx)
		if err != nil {
			return nil, err
		}
		before, err := f.published(ctx, notificationsv1event.NotificationsTopic)
		if err != nil {
			return nil, err
		}
		called := time.Now()
		path := "/api/v1/promotions/" + promotion + "/assign"
		if err := f.expect(ctx, http.StatusOK, path, f.staff, map[string]any{"player_ids": players}, nil); err != nil {
			return nil, err
		}
		answered += time.Since(called)
		err = await(ctx, func() error {
			now, err := f.published(ctx, notificationsv1event.NotificationsTopic)
			if err == nil && now < before+bulkPlayers {
				err = fmt.Errorf("%d of %d events are published", now-before, bulkPlayers)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		published += time.Since(called)
		if err := f.settled(ctx); err != nil { // notifications stores the events
			return nil, err
		}
	}
	return []float64{milliseconds(answered) / float64(n), milliseconds(published) / float64(n)}, nil
}

// insertScript inserts the assignments of a new promotion, as the platform does. Columns, indexes and ascending ids are the
// same.
const insertScript = `WITH p AS (
	INSERT INTO promotions (id, title, description, type, amount, start_date, end_date, created_at, updated_at)
	VALUES (gen_random_uuid(), 'Offer', '', 'BONUS', 1, '2000-01-01', '2999-01-01', now(), now()) RETURNING id
)
INSERT INTO player_promotions (id, user_id, promotion_id, claimed, amount, assigned_by, created_at, title, source)
SELECT lpad(to_hex(nextval('bench_ids')), 32, '0')::uuid, ('` + playerPrefix + `' || n)::uuid, p.id, false, 1, p.id, now(),
	'Offer', 'STAFF'
FROM p, generate_series(:first::bigint, :last::bigint) n;
`

// insertBulk returns the time of insertScript in milliseconds, twice.
func (f *fleet) insertBulk(ctx context.Context, d time.Duration) ([]float64, error) {
	if err := f.settled(ctx); err != nil {
		return nil, err
	}
	players := fmt.Sprintf("\\set first %d\n\\set last %d\n", firstPlayer, firstPlayer+bulkPlayers-1)
	rate, err := f.env.pgbenchOn(ctx, f.pools["promotions"].Config().ConnString(), 1, d, players+insertScript)
	return []float64{1000 / rate, 1000 / rate}, err
}
