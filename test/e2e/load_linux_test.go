package e2e_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Load: each crew repeats a step. An employee creates a promotion and assigns it to the players of the crew, who are
// notified on their sockets and claim it. Each request is repeated until it succeeds, so every step ends when all its
// effects are acknowledged. One more worker logs in.
const (
	crews       = 3
	crewPlayers = 4
	stepAmount  = 125 // hundredths
)

// load is the load on a stack.
type load struct {
	t     *testing.T
	s     *stack
	staff client
	crews []*crew

	// limited gives each promotion just enough units of each limit for its players. A claim then fails if a fault has lost a
	// unit, and loyalty verify finds a claim too many. The last release does not know limits.
	limited bool

	visitor client // logs in all the time; it is no player of a crew, because too many logins end the player's oldest sessions
	renewed time.Time
	abort   <-chan struct{} // closed if the test has failed: requests are no longer repeated

	mu       sync.Mutex
	counts   map[string]map[string]int // by operation and answer
	failures int
	first    string // the first failure
	retried  []retried
	lost     int // acknowledged logins whose token was refused
}

// crew is a group of players, and the number of steps that it has completed.
type crew struct {
	players []*listener
	steps   atomic.Int64
}

// retried is a request that failed at least once.
type retried struct {
	operation string
	failed    time.Time // the start of the first attempt
	succeeded time.Time
}

// newLoad registers the players, opens their sockets and completes one step. The sockets can then resume.
func newLoad(t *testing.T, s *stack) *load {
	t.Helper()
	l := &load{t: t, s: s, staff: newStaff(t, s.admin(t)), visitor: newPlayer(t, s.url), counts: map[string]map[string]int{}, renewed: time.Now()}
	var all []client
	for range crews {
		c := &crew{}
		for range crewPlayers {
			player := newPlayer(t, s.url)
			all = append(all, player)
			c.players = append(c.players, listen(player))
		}
		l.crews = append(l.crews, c)
	}
	first := newPromotion(l.staff, "BONUS", "1.25").text("id")
	assign(l.staff, first, all...)
	for _, c := range l.crews {
		l.claims(c, first)
		c.steps.Add(1)
	}
	l.settle()
	return l
}

// run runs the load until action returns, and lets all steps end.
func (l *load) run(action func()) {
	l.t.Helper()
	l.mu.Lock()
	l.failures, l.first, l.retried, l.lost = 0, "", nil, 0
	l.counts = map[string]map[string]int{}
	l.mu.Unlock()
	for _, c := range l.crews {
		for _, p := range c.players {
			p.mu.Lock()
			clear(p.closes)
			p.arrived, p.silence = time.Now(), 0
			p.mu.Unlock()
		}
	}
	stop, abort := make(chan struct{}), make(chan struct{})
	l.abort = abort
	var working sync.WaitGroup
	ended := false
	defer func() {
		if !ended { // action has failed the test
			close(abort)
		}
		close(stop)
		working.Wait()
	}()
	repeat := func(work func()) {
		working.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					work()
				}
			}
		})
	}
	for _, c := range l.crews {
		repeat(func() { l.step(c) })
	}
	repeat(func() { l.login(l.visitor) })
	action()
	ended = true
}

func (l *load) step(c *crew) {
	today := time.Now().UTC()
	offer := object{
		"title": "Load", "type": "BONUS", "amount": "1.25",
		"startDate": today.AddDate(0, 0, -1).Format(time.DateOnly), "endDate": today.AddDate(0, 0, 1).Format(time.DateOnly),
	}
	if l.limited {
		n := len(c.players)
		offer["limits"] = object{"maxClaims": n, "maxClaimsPerDay": n, "budget": fmt.Sprintf("%.2f", 1.25*float64(n))}
	}
	created := l.until("create", func() (answer, error) { return l.staff.try("POST", "/api/v1/promotions", offer) })
	promotion := created.text("id")
	ids := make([]string, len(c.players))
	for i, p := range c.players {
		ids[i] = p.id
	}
	l.until("assign", func() (answer, error) {
		return l.staff.try("POST", "/api/v1/promotions/"+promotion+"/assign", object{"player_ids": ids})
	})
	l.claims(c, promotion)
	c.steps.Add(1)
}

// claims claims the promotion for all players of the crew at once. Every second player sends an Idempotency-Key.
func (l *load) claims(c *crew, promotion string) {
	var claiming sync.WaitGroup
	for i, p := range c.players {
		claiming.Go(func() {
			var headers []string
			if i%2 == 0 {
				headers = []string{"Idempotency-Key", promotion}
			}
			l.until("claim", func() (answer, error) {
				return p.try("POST", "/api/v1/promotions/claim", object{"promotion_id": promotion}, headers...)
			})
		})
	}
	claiming.Wait()
}

// login logs in once. It counts the login as lost if its token is refused, because an acknowledged session must be stored.
func (l *load) login(c client) {
	body := object{"email": c.email, "password": password}
	a := l.until("login", func() (answer, error) { return c.try("POST", "/api/v1/auth/login", body) })
	c.token = a.text("accessToken")
	l.until("me", func() (answer, error) {
		a, err := c.try("GET", "/api/v1/users/me", nil)
		if a.text("code") == "TOKEN_REVOKED" {
			l.mu.Lock()
			l.lost++
			l.mu.Unlock()
			a.status = 200 // do not repeat
		}
		return a, err
	})
}

// until repeats a request until it succeeds, and counts the answers. A claim without an Idempotency-Key that was repeated,
// by the client or by Nginx, may answer PROMOTION_ALREADY_CLAIMED: it is paid.
func (l *load) until(operation string, send func() (answer, error)) answer {
	pause := time.NewTicker(25 * time.Millisecond)
	defer pause.Stop()
	var failed time.Time
	for {
		start := time.Now()
		a, err := send()
		ok := err == nil && (a.status/100 == 2 || operation == "claim" && a.text("code") == "PROMOTION_ALREADY_CLAIMED")
		l.count(operation, a, err, ok)
		switch {
		case ok && !failed.IsZero():
			l.mu.Lock()
			l.retried = append(l.retried, retried{operation, failed, time.Now()})
			l.mu.Unlock()
			return a
		case ok:
			return a
		case err == nil && a.status < 500:
			l.t.Errorf("%s: %v", operation, a)
			return a
		case failed.IsZero():
			failed = start
		}
		select {
		case <-pause.C:
		case <-l.abort:
			return a
		}
	}
}

func (l *load) count(operation string, a answer, err error, ok bool) {
	name := "no answer"
	if err == nil {
		name = strconv.Itoa(a.status)
		if code := a.text("code"); code != "" {
			name += " " + code
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts[operation] == nil {
		l.counts[operation] = map[string]int{}
	}
	l.counts[operation][name]++
	if !ok {
		if l.failures++; l.failures == 1 {
			l.first = fmt.Sprintf("%s at %s: %v %v", operation, time.Now().UTC().Format(time.RFC3339Nano), a, err)
		}
	}
}

// failed returns the number of failed requests since run began.
func (l *load) failed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failures
}

// seen returns what callers saw, such as "claim 200: 30, 503 DEPENDENCY_UNAVAILABLE: 2".
func (l *load) seen() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var parts []string
	for _, operation := range slices.Sorted(maps.Keys(l.counts)) {
		var counts []string
		for _, name := range slices.Sorted(maps.Keys(l.counts[operation])) {
			counts = append(counts, fmt.Sprintf("%s: %d", name, l.counts[operation][name]))
		}
		parts = append(parts, operation+" "+strings.Join(counts, ", "))
	}
	return strings.Join(parts, "; ")
}

// outage returns a duration for each request that failed at first and succeeded after begin: the time from begin to its
// success. The durations are in ascending order.
func (l *load) outage(begin time.Time) []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var durations []time.Duration
	for _, r := range l.retried {
		if r.succeeded.After(begin) {
			durations = append(durations, r.succeeded.Sub(begin))
		}
	}
	slices.Sort(durations)
	return durations
}

// progress waits until every crew has completed n more steps.
func (l *load) progress(n int64) {
	l.t.Helper()
	before := make([]int64, len(l.crews))
	for i, c := range l.crews {
		before[i] = c.steps.Load()
	}
	eventually(l.t, "every crew has completed another step", func() error {
		for i, c := range l.crews {
			if done := c.steps.Load() - before[i]; done < n {
				return fmt.Errorf("crew %d has completed %d steps; callers saw %s", i, done, l.seen())
			}
		}
		return nil
	})
}

// awaitFailures waits until callers notice the fault.
func (l *load) awaitFailures() {
	l.t.Helper()
	eventually(l.t, "requests fail", func() error {
		if n := l.failed(); n < crews {
			return fmt.Errorf("%d failed requests", n)
		}
		return nil
	})
}

// delivered waits until every crew has completed another step, and the players have received its notification.
func (l *load) delivered() {
	l.t.Helper()
	l.progress(1)
	for _, c := range l.crews {
		want := int(c.steps.Load())
		for _, p := range c.players {
			eventually(l.t, "the player has received the notifications", func() error {
				if got := p.count(); got < want {
					return fmt.Errorf("%d of %d", got, want)
				}
				return nil
			})
		}
	}
}

// silences returns the longest time between two frames of each player since run began, in ascending order.
func (l *load) silences() []time.Duration {
	var durations []time.Duration
	for _, c := range l.crews {
		for _, p := range c.players {
			p.mu.Lock()
			durations = append(durations, p.silence)
			p.mu.Unlock()
		}
	}
	slices.Sort(durations)
	return durations
}

// closes returns how often the sockets ended since run began, by reason.
func (l *load) closes() map[string]int {
	total := map[string]int{}
	for _, c := range l.crews {
		for _, p := range c.players {
			p.mu.Lock()
			for reason, n := range p.closes {
				total[reason] += n
			}
			p.mu.Unlock()
		}
	}
	return total
}

// settle waits until the effects of all steps are visible, and checks them: each player was paid for each step, and
// received each notification once and in order.
func (l *load) settle() {
	l.t.Helper()
	for _, c := range l.crews {
		for _, p := range c.players {
			eventually(l.t, "the player has received all notifications", func() error {
				if got := p.count(); got < int(c.steps.Load()) {
					return fmt.Errorf("%d of %d", got, c.steps.Load())
				}
				return nil
			})
			p.check(l.t, int(c.steps.Load()))
			cents := c.steps.Load() * stepAmount
			want := fmt.Sprintf("%d.%02d", cents/100, cents%100)
			if got := p.in(l.t).call(200, "GET", "/api/v1/users/me", nil).text("balance"); got != want {
				l.t.Errorf("the balance of %s is %s, want %s, the sum of the acknowledged claims", p.email, got, want)
			}
		}
	}
	l.s.verify(l.t)
}

// renew logs everybody in again before the access tokens expire, which they do after ten minutes.
func (l *load) renew() {
	l.t.Helper()
	if time.Since(l.renewed) < 4*time.Minute {
		return
	}
	l.renewed = time.Now()
	l.staff = l.staff.login(password)
	for _, c := range l.crews {
		for _, p := range c.players {
			p.renew(password)
		}
	}
}

// median returns the middle element of sorted durations.
func median(sorted []time.Duration) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}
