package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

const (
	// channel is where relays announce new events to each other (LISTEN).
	channel = "loyalty_outbox"
	// lockClass is the first half of the advisory locks' keys, "outb". The second is a shard or memberLock.
	lockClass = 0x6f757462
	// memberLock is held, shared, by every relay: the number of its holders is that of the relays.
	memberLock = Shards
	// queryTimeout bounds each statement of a session; a connection that takes longer is given up.
	queryTimeout = 10 * time.Second
)

// session is a relay's connection and the shards whose locks it holds. Not safe for concurrent use.
type session struct {
	conn     *pgx.Conn
	shards   []int16
	balanced time.Time
	window   window
}

// batch is what one reading gave.
type batch struct {
	ids    []int64
	events []event.Event
}

// openSession connects beside the pool, so that a busy pool does not hold up the events.
func openSession(ctx context.Context, pool *pgxpool.Pool) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	config := pool.Config()
	if config.BeforeConnect != nil {
		if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
			return nil, err
		}
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn}
	err = postgres.CheckSession(ctx, conn)
	if err == nil {
		err = postgres.WithSettings(config.AfterConnect, sessionSettings())(ctx, conn)
	}
	if err == nil {
		_, err = conn.Exec(ctx, "listen "+channel)
	}
	if err == nil {
		_, err = conn.Exec(ctx, "select pg_advisory_lock_shared($1, $2)", lockClass, memberLock)
	}
	if err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

// sessionSettings returns the settings of a relay's connection.
func sessionSettings() map[string]string {
	return map[string]string{
		// The events are read along the primary key. Statistics of a table that fills and empties would mislead the planner.
		"enable_seqscan": "off", "enable_bitmapscan": "off", "enable_sort": "off",
		// A crash of the server that undoes a delete causes duplicates, which consumers accept anyway.
		"synchronous_commit": "off",
		// The server releases the locks of a machine that vanished after about four seconds.
		"tcp_keepalives_idle": "2", "tcp_keepalives_interval": "1", "tcp_keepalives_count": "2",
	}
}

// close releases the locks with the connection.
func (s *session) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // it is closed in any case
}

func (s *session) balanceDue(every time.Duration) bool { return time.Since(s.balanced) >= every }

// balance takes shards that nobody holds, up to a fair share, and gives up those above it. It does nothing if it has
// done so within the last while.
func (s *session) balance(ctx context.Context, every time.Duration) error {
	if !s.balanceDue(every) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	relays, held, err := s.holders(ctx)
	if err != nil {
		return fmt.Errorf("read the outbox's locks: %w", err)
	}
	share := (Shards + relays - 1) / max(relays, 1)
	for len(s.shards) > share {
		last := len(s.shards) - 1
		if _, err := s.conn.Exec(ctx, "select pg_advisory_unlock($1, $2)", lockClass, s.shards[last]); err != nil {
			return fmt.Errorf("give up a shard of the outbox: %w", err)
		}
		s.shards = s.shards[:last]
	}
	for shard := int16(0); shard < Shards && len(s.shards) < share; shard++ {
		if held[shard] {
			continue
		}
		var ours bool
		err := s.conn.QueryRow(ctx, "select pg_try_advisory_lock($1, $2)", lockClass, shard).Scan(&ours)
		if err != nil {
			return fmt.Errorf("take a shard of the outbox: %w", err)
		}
		if ours {
			s.shards = append(s.shards, shard)
			s.window.reset()
		}
	}
	s.balanced = time.Now()
	return nil
}

// holders returns how many relays there are and which shards are held.
func (s *session) holders(ctx context.Context) (relays int, held [Shards]bool, err error) {
	rows, err := s.conn.Query(ctx, `select objid::bigint, count(*) from pg_locks
		where locktype = 'advisory' and granted and objsubid = 2 and classid::bigint = $1
		and database = (select oid from pg_database where datname = current_database())
		group by objid`, lockClass)
	if err != nil {
		return 0, held, err
	}
	var key, n int
	_, err = pgx.ForEachRow(rows, []any{&key, &n}, func() error {
		switch {
		case key == memberLock:
			relays = n
		case key < Shards:
			held[key] = true
		}
		return nil
	})
	return relays, held, err
}

// next deletes the events with the ids done and reads up to limit others of the session's shards, without those being
// published, in one exchange. A limit of 0 reads nothing.
func (s *session) next(ctx context.Context, done, publishing []int64, limit int) (next batch, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var both pgx.Batch
	if len(done) > 0 {
		both.Queue("delete from outbox where id = any($1)", done)
	}
	var now moment
	if limit > 0 {
		both.Queue(`select pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint
			from pg_current_snapshot() s`).
			QueryRow(func(row pgx.Row) error { return row.Scan(&now.oldest, &now.next) })
		// Ordered over all shards, which is more than by key.
		both.Queue(`select id, event_id::text, topic, key, type, source, content_type, payload, time from outbox
			where id > $1 and id not in (select unnest($2::bigint[])) and shard = any($3) order by id limit $4`,
			s.window.after(time.Now()), publishing, s.shards, limit).
			Query(func(rows pgx.Rows) error {
				next, err = scan(rows, limit)
				return err
			})
	}
	if both.Len() == 0 {
		return batch{}, nil
	}
	if err := s.conn.SendBatch(ctx, &both).Close(); err != nil {
		return batch{}, fmt.Errorf("read the outbox: %w", err)
	}
	if limit > 0 {
		s.window.read(now, next.ids, len(next.ids) < limit)
	}
	return next, nil
}

func scan(rows pgx.Rows, limit int) (batch, error) {
	b := batch{ids: make([]int64, 0, min(limit, 64)), events: make([]event.Event, 0, min(limit, 64))}
	var id int64
	var e event.Event
	fields := []any{&id, &e.ID, &e.Topic, &e.Key, &e.Type, &e.Source, &e.ContentType, &e.Data, &e.Time}
	_, err := pgx.ForEachRow(rows, fields, func() error {
		b.ids, b.events = append(b.ids, id), append(b.events, e)
		e.Data = nil // the next row's must not share its memory
		return nil
	})
	return b, err
}

// wait returns when woken, when another relay announces events, after d or when ctx ends. An error is the connection's.
func (s *session) wait(ctx context.Context, woken <-chan struct{}, self string, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		defer cancel() // interrupts the waiting below and leaves the connection intact
		select {
		case <-woken:
		case <-ctx.Done():
		}
	}()
	defer func() { cancel(); <-heard }()
	for {
		n, err := s.conn.WaitForNotification(ctx)
		switch {
		case err == nil && n.Payload == self:
		case err == nil:
			s.quiet()
			return nil
		case ctx.Err() != nil && !s.conn.IsClosed():
			return nil
		default:
			return fmt.Errorf("wait for the outbox: %w", err)
		}
	}
}

// quiet forgets the announcements that have arrived: one look at the outbox answers them all. While there is much to do they
// come faster than they are waited for, and would pile up.
func (s *session) quiet() {
	arrived, cancel := context.WithCancel(context.Background())
	cancel() // what has not arrived is not waited for
	for {
		if _, err := s.conn.WaitForNotification(arrived); err != nil {
			return
		}
	}
}

// pause waits for d or the end of ctx, whatever is announced meanwhile. An error is the connection's.
func (s *session) pause(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for ctx.Err() == nil {
		if err := s.wait(ctx, nil, "", d); err != nil {
			return err
		}
	}
	return nil
}
