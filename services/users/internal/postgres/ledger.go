package postgres

import (
	"cmp"
	"context"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/clock"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// committers is how many groups may be on their way to the database at once. One would leave the processors idle while
// the disk syncs; a third only makes the groups smaller.
const committers = 2

// leastShare is the number of calls that are not divided between committers: a commit costs as much as some entries.
const leastShare = 4

// Ledger is the ledger of one replica. Calls that arrive while a commit is under way form the next group, and one
// statement writes a whole group: the transactions, the balances and the events. An idle ledger commits a call at once.
// Any number of replicas may share the database. It is safe for concurrent use.
//
// Each player's balance and number of entries are remembered from the last commit. A group whose players are all
// remembered is settled in memory and written by a statement that compares what was remembered with what is there
// ([Ledger.optimistic]). Whatever does not fit is done over under locks ([Ledger.exact]).
type Ledger struct {
	pool     *pgxpool.Pool
	wake     func()
	log      *slog.Logger
	options  LedgerOptions
	now      func() time.Time
	accounts *accounts

	mu      sync.Mutex
	queue   queue
	running int // groups under way
	closed  bool
	groups  sync.WaitGroup
}

var _ users.LedgerStore = (*Ledger)(nil)

// LedgerOptions tunes a ledger; the zero value is sane.
type LedgerOptions struct {
	// Group is the greatest number of entries in one commit; 0 is 256.
	Group int
	// Waiting is the number of waiting calls above which more are refused, since they would wait in vain; 0 is 20,000.
	Waiting int
	// Remembered is the least number of players whose balances are remembered, at some 100 bytes each; 0 is 100,000.
	Remembered int
	// Timeout bounds each attempt to commit a group; 0 is 5 seconds.
	Timeout time.Duration
	// LockTimeout bounds how long a group waits for a player whom another session holds locked; 0 is 2 seconds.
	LockTimeout time.Duration
}

func (o LedgerOptions) withDefaults() LedgerOptions {
	o.Group = cmp.Or(o.Group, 256)
	o.Waiting = cmp.Or(o.Waiting, 20_000)
	o.Remembered = cmp.Or(o.Remembered, 100_000)
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.LockTimeout = cmp.Or(o.LockTimeout, 2*time.Second)
	return o
}

// NewLedger returns a ledger on the database of pool, with a few connections of its own. After each commit it calls wake,
// which must not block: there are events in the outbox. Close it.
func NewLedger(ctx context.Context, pool *pgxpool.Pool, wake func(), log *slog.Logger, o LedgerOptions) (*Ledger, error) {
	o = o.withDefaults()
	config := pool.Config()
	config.MaxConns, config.MinConns, config.MinIdleConns = committers, 0, 0
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement // prepared once a connection
	config.AfterConnect = postgres.WithSettings(thenTakeArrays(config.AfterConnect), ledgerSettings(o.LockTimeout))
	params := config.ConnConfig.RuntimeParams
	params["application_name"] = strings.TrimSpace("ledger " + params["application_name"])
	own, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Ledger{
		pool: own, wake: wake, log: log, options: o, now: clock.Stored(time.Now, time.Microsecond),
		accounts: newAccounts(o.Remembered),
		queue:    newQueue(),
	}, nil
}

// ledgerSettings returns the settings of the ledger's connections.
func ledgerSettings(lockTimeout time.Duration) map[string]string {
	return map[string]string{
		// A plan for each group would cost more than the group. A connection keeps one plan, which it may have made while
		// the tables were empty. The plan therefore uses the indexes, row by row in the order of the arrays.
		"plan_cache_mode": "force_generic_plan",
		"enable_seqscan":  "off", "enable_bitmapscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
		"enable_material": "off", "jit": "off",
		"lock_timeout": strconv.FormatInt(lockTimeout.Milliseconds(), 10),
	}
}

// call is one Add on its way. The group that took it alone writes tx and err, and then closes done.
type call struct {
	ctx   context.Context // the caller's: a call that nobody waits for any more is not begun
	entry users.Entry
	data  []byte // the entry's AdditionalData as JSON
	hash  []byte
	done  chan struct{}

	tx  users.Transaction
	err error
}

// Add adds an entry; see [users.LedgerStore].
func (l *Ledger) Add(ctx context.Context, e users.Entry) (users.Transaction, error) {
	data, err := e.Data()
	if err != nil {
		return users.Transaction{}, apperr.Invalid("additionalData", "json", "must be JSON")
	}
	hash := e.ContentHash(data)
	c := &call{ctx: ctx, entry: e, data: data, hash: hash[:], done: make(chan struct{})}
	if err := l.enqueue(c); err != nil {
		return users.Transaction{}, err
	}
	select {
	case <-c.done:
		return c.tx, c.err
	case <-ctx.Done():
		return users.Transaction{}, ctx.Err() // the group goes on without its caller
	}
}

func (l *Ledger) enqueue(c *call) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return apperr.New(apperr.DependencyUnavailable, "the ledger is shutting down")
	case l.queue.waiting >= l.options.Waiting:
		return apperr.New(apperr.DependencyUnavailable, "too many calls wait for the ledger")
	}
	l.queue.push(c)
	l.start()
	return nil
}

// start begins as many groups as may run now. The caller holds mu.
//
// What waits when nothing is under way is divided between the committers, so that one group is computed while the other
// is on its way to the disk. Later a second group runs beside another only when at least as many calls wait as are in
// flight: smaller ones would cost the database a commit each, and do better to wait for the one under way.
func (l *Ledger) start() {
	for l.running < committers && l.queue.ready > 0 && (l.running == 0 || l.queue.ready >= l.queue.inFlight) {
		enough := l.options.Group
		if l.running == 0 {
			enough = max(leastShare, (l.queue.ready+committers-1)/committers)
		}
		group := l.queue.take(enough, l.options.Group)
		l.running++
		l.groups.Go(func() { l.run(group) })
	}
}

func (l *Ledger) run(group []*work) {
	l.commit(group)
	runtime.Gosched() // those who were answered may have more, which then is in the next group
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	l.start()
}

// finish answers the calls of works, whose outcome is settled, and lets the next calls of their players go ahead.
func (l *Ledger) finish(works []*work) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range works {
		l.queue.release(w)
		for _, c := range w.calls {
			close(c.done)
		}
	}
}

// Close refuses further calls, waits for those that wait or are under way, and closes the connections.
func (l *Ledger) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.groups.Wait()
	l.pool.Close()
}
