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

	"github.com/casino-loyalty/loyalty/internal/clock"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// maxCommits is the maximum number of groups that are committed at the same time. With one, the processors would be idle
// while the disk syncs. A third would only make the groups smaller.
const maxCommits = 2

// minGroup is the number of calls up to which waiting calls form one group. Dividing them would not help, because a commit
// costs as much as several entries.
const minGroup = 4

// Ledger adds transactions with group commits. Calls that arrive during a commit form the next group, and one statement
// writes the transactions, balances and events of a whole group. An idle ledger commits a call immediately. Several
// replicas may use the same database. A Ledger is safe for concurrent use.
//
// The ledger caches the balances and numbers of entries of recent players. If all players of a group are cached, it computes
// the results in memory and writes them with a statement that compares the cached values with the stored ones (optimistic
// concurrency control, [Ledger.commitOptimistic]). Otherwise, and after a conflict, it locks the players' rows first
// ([Ledger.commitLocked]).
type Ledger struct {
	pool    *pgxpool.Pool
	wake    func()
	log     *slog.Logger
	options LedgerOptions
	now     func() time.Time
	cache   *accountCache

	mu      sync.Mutex
	queue   queue
	commits int // groups that are being committed
	closed  bool
	running sync.WaitGroup // goroutines that commit groups
}

var _ users.LedgerStore = (*Ledger)(nil)

// LedgerOptions tunes a ledger. The zero value has usable defaults.
type LedgerOptions struct {
	// MaxGroup is the maximum number of entries in one commit; 0 is 256.
	MaxGroup int
	// MaxWaiting is the maximum number of calls that wait for a group. More are refused, because they would time out; 0 is
	// 20,000.
	MaxWaiting int
	// CachedPlayers is the minimum number of players in the cache, about 100 bytes each. The cache may hold twice as many; 0
	// is 100,000.
	CachedPlayers int
	// Timeout is the timeout of each stage of a commit: the optimistic commit, the attempts under locks, and the attempts for
	// a call alone; 0 is 5 seconds.
	Timeout time.Duration
	// LockTimeout is the timeout of waiting for a lock on a player's row; 0 is 2 seconds.
	LockTimeout time.Duration
}

func (o LedgerOptions) withDefaults() LedgerOptions {
	o.MaxGroup = cmp.Or(o.MaxGroup, 256)
	o.MaxWaiting = cmp.Or(o.MaxWaiting, 20_000)
	o.CachedPlayers = cmp.Or(o.CachedPlayers, 100_000)
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.LockTimeout = cmp.Or(o.LockTimeout, 2*time.Second)
	return o
}

// NewLedger returns a ledger on the database of pool. The ledger opens one connection of its own per concurrent commit. It
// calls wake, which must not block, after each commit that appended to the outbox. The caller must close the ledger.
func NewLedger(ctx context.Context, pool *pgxpool.Pool, wake func(), log *slog.Logger, o LedgerOptions) (*Ledger, error) {
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
		pool: own, wake: wake, log: log, options: o, now: clock.Stored(time.Now, time.Microsecond),
		cache: newAccountCache(o.CachedPlayers),
		queue: newQueue(),
	}, nil
}

// ledgerSettings returns the settings of the ledger's connections.
func ledgerSettings(lockTimeout time.Duration) map[string]string {
	return map[string]string{
		// Planning each group would take longer than executing it, so a connection keeps one generic plan. That plan may date
		// from when the tables were empty. These settings make it use the indexes, in the order of the arrays.
		"plan_cache_mode": "force_generic_plan",
		"enable_seqscan":  "off", "enable_bitmapscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
		"enable_material": "off", "jit": "off",
		"lock_timeout": strconv.FormatInt(lockTimeout.Milliseconds(), 10),
	}
}

// startCommits starts as many commits as are allowed now. The caller must hold mu.
//
// If no commit is running, the ready calls are divided into maxCommits groups, so that one group is computed while the
// other is written to disk. If one is running, another starts only when at least as many calls are ready as are being
// committed. Fewer calls wait for the running commit, because a commit of their own would cost the database more.
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
	runtime.Gosched() // let callers that were answered enqueue their next calls, so that the next group contains them
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commits--
	l.startCommits()
}

// Close refuses new calls, waits until all accepted calls are answered, and closes the connections.
func (l *Ledger) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.running.Wait()
	l.pool.Close()
}
