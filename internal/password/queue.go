package password

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Purpose is the reason for a hash. Hashes of different purposes wait in different queues, which get the cores in turns.
type Purpose int

// The purposes.
const (
	Login Purpose = iota
	Registration
	purposes int = iota
)

const (
	// waitingPerCore is the maximum number of hashes of one purpose that wait for each core.
	waitingPerCore = 256
	// waitingPerClient is the maximum number of hashes of one purpose and one client that wait for each core.
	waitingPerClient = 64
	// maxWait is the maximum time for which a hash waits.
	maxWait = 5 * time.Second
)

type queueKey struct{}

// place is the place of a hash in the queues.
type place struct {
	purpose Purpose
	client  string
}

// WithQueue returns a context whose hashes wait in the queue of the purpose. Clients get the cores in turns. Hashes with
// other contexts wait as logins of one unknown client.
func WithQueue(ctx context.Context, purpose Purpose, client string) context.Context {
	return context.WithValue(ctx, queueKey{}, place{purpose, client})
}

// QueueOf returns the purpose and the client of [WithQueue].
func QueueOf(ctx context.Context) (Purpose, string) {
	at, _ := ctx.Value(queueKey{}).(place)
	return at.purpose, at.client
}

// queue distributes the cores. It is safe for concurrent use.
type queue struct {
	cores int

	mu     sync.Mutex
	free   int
	queues [purposes]turns
	next   Purpose // the purpose that gets the next core
}

// turns is the queue of one purpose. Its clients take turns.
type turns struct {
	clients []client // in the order of their turns
	waiting int
}

// client is a client with hashes that wait. Each hash is a channel that is closed when the hash gets a core.
type client struct {
	name  string
	ready []chan struct{}
}

// acquire waits for a core. The caller must call release after the hash. It returns RATE_LIMITED if too many hashes wait or
// if the hash has waited for maxWait, or the error of ctx if ctx ends first.
func (q *queue) acquire(ctx context.Context) error {
	purpose, client := QueueOf(ctx)
	at := place{purpose, client}
	ready, err := q.enter(at)
	if err != nil || ready == nil {
		return err
	}
	timeout := time.NewTimer(maxWait)
	defer timeout.Stop()
	select {
	case <-ready:
		return nil
	case <-timeout.C:
		err = busy()
	case <-ctx.Done():
		err = fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
	q.leave(at, ready)
	return err
}

func busy() error {
	limited := apperr.New(apperr.RateLimited, "too many concurrent logins and registrations")
	limited.RetryAfter = time.Second
	return limited
}

// enter takes a free core and returns nil, or returns a channel that is closed when the hash gets a core.
func (q *queue) enter(at place) (chan struct{}, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free > 0 {
		q.free--
		return nil, nil //nolint:nilnil // nil means that the hash has a core
	}
	t := &q.queues[at.purpose]
	i := slices.IndexFunc(t.clients, func(c client) bool { return c.name == at.client })
	if t.waiting >= q.cores*waitingPerCore || i >= 0 && len(t.clients[i].ready) >= q.cores*waitingPerClient {
		return nil, busy()
	}
	if i < 0 {
		i = len(t.clients)
		t.clients = append(t.clients, client{name: at.client})
	}
	ready := make(chan struct{})
	t.clients[i].ready = append(t.clients[i].ready, ready)
	t.waiting++
	return ready, nil
}

// leave removes a hash that no longer waits. If the hash has got a core in the meantime, leave releases the core.
func (q *queue) leave(at place, ready chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := &q.queues[at.purpose]
	for i, c := range t.clients {
		j := slices.Index(c.ready, ready)
		if j < 0 {
			continue
		}
		t.waiting--
		if t.clients[i].ready = slices.Delete(c.ready, j, j+1); len(t.clients[i].ready) == 0 {
			t.clients = slices.Delete(t.clients, i, i+1)
		}
		return
	}
	q.pass()
}

// release gives the core to the next hash.
func (q *queue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pass()
}

// pass gives a core to the next hash: the oldest one of the client whose turn it is.
func (q *queue) pass() {
	for range purposes {
		t := &q.queues[q.next]
		q.next = (q.next + 1) % Purpose(purposes)
		if len(t.clients) == 0 {
			continue
		}
		c := t.clients[0]
		t.clients = t.clients[1:]
		close(c.ready[0])
		t.waiting--
		if c.ready = c.ready[1:]; len(c.ready) > 0 {
			t.clients = append(t.clients, c)
		}
		return
	}
	q.free++
}

// load returns the number of hashes that run and that wait.
func (q *queue) load() (running, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range q.queues {
		waiting += t.waiting
	}
	return q.cores - q.free, waiting
}
