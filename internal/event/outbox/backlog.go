package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// MaxBacklog is the maximum of Backlog.Events. It bounds the cost of reading a backlog.
const MaxBacklog = 10_000

// Backlog describes the events that wait in an outbox.
type Backlog struct {
	// Events is the number of waiting events. It is MaxBacklog if MaxBacklog or more events wait.
	Events int64
	// Oldest is the age of the oldest waiting event. It is zero if no event waits.
	Oldest time.Duration
}

// ReadBacklog reads at most MaxBacklog rows of the outbox.
func ReadBacklog(ctx context.Context, pool *pgxpool.Pool) (Backlog, error) {
	var b Backlog
	var seconds float64
	err := pool.QueryRow(ctx, `select count(*), coalesce(extract(epoch from now() - min(time)), 0)::float8
		from (select time from outbox order by id limit $1) oldest`, MaxBacklog).Scan(&b.Events, &seconds)
	if err != nil {
		return Backlog{}, fmt.Errorf("read the backlog of the outbox: %w", err)
	}
	b.Oldest = max(0, time.Duration(seconds*float64(time.Second)))
	return b, nil
}
