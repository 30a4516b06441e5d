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
	// channel is the LISTEN channel on which relays announce new events to each other.
	channel = "loyalty_outbox"
	// lockClass is the first half of the advisory locks' keys: "outb" in ASCII. The second half is a shard or memberLock.
	lockClass = 0x6f757462
	// memberLock is a shared lock that every relay holds. The number of its holders is the number of relays.
	memberLock = Shards
	// queryTimeout limits each statement of a session. The relay opens a new connection after a timeout.
	queryTimeout = 10 * time.Second
)

// session is a relay's connection and the shards whose locks it holds. It is not safe for concurrent use.
type session struct {
	conn       *pgx.Conn
	shards     []int16
	balancedAt time.Time
	locks      *locks // as the last read saw them; nil if the session was balanced since then
	window     window
}

// locks are the advisory locks of all relays.
type locks struct {
	relays int          // the number of relays
	held   [Shards]bool // whether any relay holds the lock of a shard
}

// batch holds the events of one read and their row ids.
type batch struct {
	ids    []int64
	events []event.Event
}

// openSession opens a connection outside the pool, so that a busy pool does not delay the events.
func openSession(ctx context.Context, pool *pgxpool.Pool) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	config := pool.Config()
	if config.BeforeConnect != nil {
		if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
			return nil, err
		}
	}
	config.ConnConfig.Tracer = nil // the relay polls
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
		// Reads must use the primary key. The table fills and empties all the time, so its statistics mislead the planner.
		"enable_seqscan": "off", "enable_bitmapscan": "off", "enable_sort": "off",
		// A server crash may undo a delete. The event is then published again, which consumers must expect anyway.
		"synchronous_commit": "off",
		// The server releases the locks of a crashed machine after about four seconds.
		"tcp_keepalives_idle": "2", "tcp_keepalives_interval": "1", "tcp_keepalives_count": "2",
	}
}

// close closes the connection, which releases the locks.
func (s *session) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // the connection is closed even after an error
}

// balanceDue reports whether at least interval has passed since the last balance.
func (s *session) balanceDue(interval time.Duration) bool {
	return time.Since(s.balancedAt) >= interval
}

// balance acquires free shards up to the relay's fair share, and releases shards above that share. It does nothing if less
// than interval has passed since the last balance. It reports whether it acquired a shard, which must then be read.
func (s *session) balance(ctx context.Context, interval time.Duration) (acquired bool, err error) {
	if !s.balanceDue(interval) {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	if s.locks == nil {
		var batch pgx.Batch
		s.queueLocks(&batch)
		if err := s.conn.SendBatch(ctx, &batch).Close(); err != nil {
			return false, fmt.Errorf("read the locks of the outbox: %w", err)
		}
	}
	current := *s.locks
	s.locks = nil
	share := (Shards + current.relays - 1) / max(current.relays, 1)
	for len(s.shards) > share {
		last := len(s.shards) - 1
		if _, err := s.conn.Exec(ctx, "select pg_advisory_unlock($1, $2)", lockClass, s.shards[last]); err != nil {
			return false, fmt.Errorf("release a shard of the outbox: %w", err)
		}
		s.shards = s.shards[:last]
	}
	for shard := int16(0); shard < Shards && len(s.shards) < share; shard++ {
		if current.held[shard] {
			continue
		}
		var ok bool
		err := s.conn.QueryRow(ctx, "select pg_try_advisory_lock($1, $2)", lockClass, shard).Scan(&ok)
		if err != nil {
			return false, fmt.Errorf("acquire a shard of the outbox: %w", err)
		}
		if ok {
			s.shards, acquired = append(s.shards, shard), true
			s.window.reset()
		}
	}
	s.balancedAt = time.Now()
	return acquired, nil
}

// queueLocks adds a statement to a batch that reads the locks.
func (s *session) queueLocks(batch *pgx.Batch) {
	batch.Queue(`select objid::bigint, count(*) from pg_locks
		where locktype = 'advisory' and granted and objsubid = 2 and classid::bigint = $1
		and database = (select oid from pg_database where datname = current_database())
		group by objid`, lockClass).Query(func(rows pgx.Rows) error {
		var read locks
		var key, n int
		_, err := pgx.ForEachRow(rows, []any{&key, &n}, func() error {
			switch {
			case key == memberLock:
				read.relays = n
			case key < Shards:
				read.held[key] = true
			}
			return nil
		})
		s.locks = &read
		return err
	})
}

// next deletes the rows with the ids done and then reads up to limit events of the session's shards. It skips the rows with
// the ids publishing. With a limit of 0 it reads nothing. It needs one round trip. If the session must be balanced, the same
// round trip reads the locks.
func (s *session) next(ctx context.Context, done, publishing []int64, limit int, interval time.Duration) (next batch, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var statements pgx.Batch
	if len(done) > 0 {
		statements.Queue("delete from outbox where id = any($1)", done)
	}
	var current snapshot
	if limit > 0 {
		if s.balanceDue(interval) {
			s.queueLocks(&statements)
		}
		statements.Queue(`select pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint
			from pg_current_snapshot() s`).
			QueryRow(func(row pgx.Row) error { return row.Scan(&current.xmin, &current.xmax) })
		// The order over all shards includes the order per key.
		statements.Queue(`select id, event_id::text, topic, key, type, source, content_type, payload, time, traceparent
			from outbox
			where id > $1 and id not in (select unnest($2::bigint[])) and shard = any($3) order by id limit $4`,
			s.window.after(time.Now()), publishing, s.shards, limit).
			Query(func(rows pgx.Rows) error {
				next, err = scan(rows, limit)
				return err
			})
	}
	if statements.Len() == 0 {
		return batch{}, nil
	}
	if err := s.conn.SendBatch(ctx, &statements).Close(); err != nil {
		return batch{}, fmt.Errorf("read the outbox: %w", err)
	}
	if limit > 0 {
		s.window.record(current, next.ids, len(next.ids) < limit)
	}
	return next, nil
}

func scan(rows pgx.Rows, limit int) (batch, error) {
	b := batch{ids: make([]int64, 0, min(limit, 64)), events: make([]event.Event, 0, min(limit, 64))}
	var id int64
	var e event.Event
	fields := []any{&id, &e.ID, &e.Topic, &e.Key, &e.Type, &e.Source, &e.ContentType, &e.Data, &e.Time, &e.Traceparent}
	_, err := pgx.ForEachRow(rows, fields, func() error {
		b.ids, b.events = append(b.ids, id), append(b.events, e)
		e.Data = nil // so that the next row does not overwrite this data
		return nil
	})
	return b, err
}

// wait waits until a value arrives on woken, another relay announces events, d has passed, or ctx ends. It ignores
// announcements with the payload self, which this relay sent. It returns an error if the connection fails.
func (s *session) wait(ctx context.Context, woken <-chan struct{}, self string, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel() // interrupts WaitForNotification without closing the connection
		select {
		case <-woken:
		case <-ctx.Done():
		}
	}()
	defer func() { cancel(); <-done }()
	for {
		n, err := s.conn.WaitForNotification(ctx)
		switch {
		case err == nil && n.Payload == self:
		case err == nil:
			s.discardAnnouncements()
			return nil
		case ctx.Err() != nil && !s.conn.IsClosed():
			return nil
		default:
			return fmt.Errorf("wait for the outbox: %w", err)
		}
	}
}

// discardAnnouncements discards all announcements that have arrived, since one read of the outbox serves all of them. Under
// load they arrive faster than wait consumes them and would accumulate.
func (s *session) discardAnnouncements() {
	arrived, cancel := context.WithCancel(context.Background())
	cancel() // return only announcements that have already arrived
	for {
		if _, err := s.conn.WaitForNotification(arrived); err != nil {
			return
		}
	}
}

// sleep waits for d or until ctx ends, regardless of announcements. It returns an error if the connection fails.
func (s *session) sleep(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for ctx.Err() == nil {
		if err := s.wait(ctx, nil, "", d); err != nil {
			return err
		}
	}
	return nil
}
