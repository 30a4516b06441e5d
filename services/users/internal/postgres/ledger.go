package postgres

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/clock"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// maxCommits is the maximum number of concurrent commits, with one group each. With only one commit, the processors would be
// idle while the disk syncs. A third commit would only make the groups smaller.
const maxCommits = 2

// minGroup is the minimum size of a group when the ready calls are divided into groups. Up to minGroup calls form one group,
// because a second commit would cost as much as several entries.
const minGroup = 4

// Ledger adds transactions with group commits. Calls that arrive during a commit form the next group, and one statement
// writes the transactions, balances and events of a whole group. An idle ledger commits a call immediately. Several
// replicas may use the same database. A Ledger is safe for concurrent use.
//
// The ledger caches the balance and the number of entries of recent players. If all players of a group are cached, it
// computes the results in memory. The statement that writes them compares the cached values with the stored values
// (optimistic concurrency control, [Ledger.commitOptimistic]). If a player is not cached, or after a conflict, the ledger
// locks the players' rows first ([Ledger.commitLocked]).
type Ledger struct {
	pool    *pgxpool.Pool // for commits
	reads   *pgxpool.Pool
	key     ledgerchain.Key
	wake    func()
	log     *slog.Logger
	options LedgerOptions
	now     func() time.Time
	cache   *accountCache

	mu      sync.Mutex
	queue   queue
	commits int // number of running commits
	closed  bool
	running sync.WaitGroup // goroutines that commit groups
}

var _ users.LedgerStore = (*Ledger)(nil)

// LedgerOptions tunes a ledger. The zero value has usable defaults.
type LedgerOptions struct {
	// MaxGroup is the maximum number of entries in one commit; 0 is 256.
	MaxGroup int
	// MaxWaiting is the maximum number of calls that wait for a group; 0 is 20,000. The ledger refuses more calls, because
	// they would time out.
	MaxWaiting int
	// CachedPlayers is the number of recent players that the cache keeps; 0 is 100,000. The cache may hold up to
	// twice as many. A player takes about 150 bytes.
	CachedPlayers int
	// Timeout is the timeout of each stage of a commit; 0 is 5 seconds. The stages are the optimistic commit, all attempts
	// for a group under locks, and all attempts for a single call.
	Timeout time.Duration
	// LockTimeout is the maximum time to wait for a lock on a player's row; 0 is 2 seconds.
	LockTimeout time.Duration
	// Observer counts commits and transactions; nil ignores them.
	Observer LedgerObserver
}

// LedgerObserver counts what a ledger commits, for metrics. Its methods must not block, and must be safe for concurrent use.
type LedgerObserver interface {
	// Committed reports a commit that answered calls, and their number.
	Committed(calls int)
	// Added reports a new transaction. Repeated calls with the same idempotency key add no transaction.
	Added(t users.TransactionType, amount money.Amount)
}

type ignoreLedger struct{}

func (ignoreLedger) Committed(int)                             {}
func (ignoreLedger) Added(users.TransactionType, money.Amount) {}

func (o LedgerOptions) withDefaults() LedgerOptions {
	o.MaxGroup = cmp.Or(o.MaxGroup, 256)
	o.MaxWaiting = cmp.Or(o.MaxWaiting, 20_000)
	o.CachedPlayers = cmp.Or(o.CachedPlayers, 100_000)
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.LockTimeout = cmp.Or(o.LockTimeout, 2*time.Second)
	if o.Observer == nil {
		o.Observer = ignoreLedger{}
	}
	return o
}

// NewLedger returns a ledger on the database of pool. The key computes the MACs of new entries. The ledger uses the
// connections of pool only to read. It opens its own connections to commit: one per concurrent commit. It calls wake after
// each commit that appended to the outbox; wake must not block. The caller must close the ledger.
func NewLedger(
	ctx context.Context, pool *pgxpool.Pool, key ledgerchain.Key, wake func(), log *slog.Logger, o LedgerOptions,
) (*Ledger, error) {
	if key.IsZero() {
		return nil, errors.New("the ledger has no key")
	}
	o = o.withDefaults()
	config := pool.Config()
	config.MaxConns, config.MinConns, config.MinIdleConns = maxCommits, 0, 0
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement // prepare once per connection
	config.AfterConnect = postgres.WithSettings(withArrayCodec(config.AfterConnect), ledgerSettings(o.LockTimeout))
	params := config.ConnConfig.RuntimeParams
	params["application_name"] = strings.TrimSpace("ledger " + params["application_name"])
	own, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Ledger{
		pool: own, reads: pool, key: key, wake: wake, log: log, options: o, now: clock.Stored(time.Now, time.Microsecond),
		cache: newAccountCache(o.CachedPlayers),
		queue: newQueue(),
	}, nil
}

// ledgerSettings returns the settings of the ledger's connections.
func ledgerSettings(lockTimeout time.Duration) map[string]string {
	return map[string]string{
		// Planning the statement for each group would take longer than executing it, so a connection keeps one generic plan.
		// PostgreSQL may make this plan while the tables are empty, when it would not choose the indexes. The enable settings
		// make every plan use the indexes, in the order of the statement's array parameters.
		"plan_cache_mode": "force_generic_plan",
		"enable_seqscan":  "off", "enable_bitmapscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
		"enable_material": "off", "jit": "off",
		"lock_timeout": strconv.FormatInt(lockTimeout.Milliseconds(), 10),
	}
}

// Pool returns the pool of the ledger's connections, for metrics.
func (l *Ledger) Pool() *pgxpool.Pool { return l.pool }

// startCommits starts commits of the ready calls, up to maxCommits at the same time. The caller must hold mu.
//
// If no commit is running, startCommits divides the ready calls into maxCommits groups, so that one group is computed while
// the other is written to disk. If a commit is running, a second commit starts only if the number of ready calls is at least
// the number of calls in the running commit. Fewer calls wait until that commit ends, because a small separate commit would
// cost the database more.
func (l *Ledger) startCommits() {
	for l.commits < maxCommits && l.queue.readyCalls > 0 && (l.commits == 0 || l.queue.readyCalls >= l.queue.inFlight) {
		size := l.options.MaxGroup
		if l.commits == 0 {
			size = max(minGroup, (l.queue.readyCalls+maxCommits-1)/maxCommits)
		}
		group := l.queue.take(size, l.options.MaxGroup)
		l.commits++
		l.running.Go(func() { l.runCommit(group) })
	}
}

func (l *Ledger) runCommit(group []*playerCalls) {
	l.commit(group)
	runtime.Gosched() // let the answered callers enqueue their next calls, so that the next group contains these
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commits--
	l.startCommits()
}

// Close refuses new calls, waits until all accepted calls are answered, and closes the connections. It is idempotent.
func (l *Ledger) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.running.Wait()
	l.pool.Close()
}
