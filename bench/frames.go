package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
)

// framePace is the time between two calls of a latency row.
const framePace = 10 * time.Millisecond

// assignRow measures the time from before a request that assigns a promotion to one player until the frame arrives on the
// player's socket. Requests and sockets go through Nginx.
func assignRow() Row {
	return latencyRow("assign over HTTP to frame, 100/s, 3 replicas", 1, 5, 20, 0,
		func(f *frames) sender { return &assigner{frames: f} })
}

// commitRow measures the time from before the commit of notification events, in the database of promotions, until the frames
// arrive on the players' sockets. Each transaction has ten events. The sockets go through Nginx.
func commitRow() Row {
	return latencyRow("commit to frame, 1,000/s, 3 replicas", 10, 0, 50, 250,
		func(f *frames) sender { return &committer{frames: f} })
}

// latencyRow returns a row with the median, the 99th percentile and the maximum of the latency of frames, in milliseconds. A
// goal of zero means that there is no goal.
func latencyRow(name string, perCall int, p50, p99, worst float64, newSender func(*frames) sender) Row {
	return Row{
		Name: name,
		Metrics: []Metric{
			{Name: "p50", Unit: "ms", Goal: p50, AtMost: true},
			{Name: "p99", Unit: "ms", Goal: p99, AtMost: true},
			{Name: "worst", Unit: "ms", Goal: worst, AtMost: true, Worst: true},
		},
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			fleet, err := env.fleet(ctx, notificationReplicas)
			if err != nil {
				return nil, err
			}
			if err := fleet.signIn(ctx, livePlayers); err != nil {
				return nil, err
			}
			f := &frames{fleet: fleet, perCall: perCall, sent: map[string]time.Time{}}
			f.sender = newSender(f)
			token := func(i int) string { return f.players[i].token }
			f.sockets, err = openSockets(ctx, f.url, livePlayers, token, f.receive)
			if err != nil {
				return nil, err
			}
			return &Pair{Ours: f.measure, Close: func() error {
				f.sockets.close()
				return nil
			}}, nil
		},
	}
}

// frames has one socket per player and measures the latency of frames.
type frames struct {
	*fleet

	sender  sender
	perCall int // notifications per call, each for another player
	sockets *sockets

	mu        sync.Mutex
	sent      map[string]time.Time // by promotion id + player id
	latencies []time.Duration
}

// sender causes notifications.
type sender interface {
	// prepare is called before the calls of a measurement.
	prepare(ctx context.Context, calls int) error
	// send makes the n-th call, which notifies each of the players. It calls mark when the measured time starts.
	send(ctx context.Context, n int, players []player) error
}

// mark records the start of the measured time for the notification of each player.
func (f *frames) mark(promotion string, players []player) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for _, p := range players {
		f.sent[promotion+p.id] = now
	}
}

// receive records the latency of a frame.
func (f *frames) receive(i int, text []byte) {
	now := time.Now()
	var frame struct {
		Notification struct {
			Content struct {
				ID string `json:"id"`
			} `json:"content"`
		} `json:"notification"`
	}
	if json.Unmarshal(text, &frame) != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := frame.Notification.Content.ID + f.players[i].id
	if at, ok := f.sent[key]; ok {
		delete(f.sent, key)
		f.latencies = append(f.latencies, now.Sub(at))
	}
}

// measure makes calls at intervals of framePace for d, and waits for the last frames.
func (f *frames) measure(ctx context.Context, d time.Duration) ([]float64, error) {
	f.mu.Lock()
	f.latencies = f.latencies[:0]
	f.mu.Unlock()
	calls := int(d / framePace)
	if err := f.sender.prepare(ctx, calls); err != nil {
		return nil, err
	}
	g, ctx := errgroup.WithContext(ctx)
	tick := time.NewTicker(framePace)
	defer tick.Stop()
	start := time.Now()
	for n := range calls {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(g.Wait(), ctx.Err())
		}
		first := n * f.perCall % livePlayers
		g.Go(func() error { return f.sender.send(ctx, n, f.players[first:first+f.perCall]) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	rate := float64(calls*f.perCall) / time.Since(start).Seconds()
	latencies, err := f.arrived(calls * f.perCall)
	if err != nil {
		return nil, err
	}
	if nominal := float64(f.perCall) * float64(time.Second/framePace); rate < 0.9*nominal {
		f.env.progress("  the machine is too slow: %.0f of %.0f notifications/s", rate, nominal)
	}
	return []float64{
		milliseconds(quantile(latencies, 0.5)), milliseconds(quantile(latencies, 0.99)), milliseconds(quantile(latencies, 1)),
	}, nil
}

// arrived waits until n frames have arrived and returns their latencies in ascending order.
func (f *frames) arrived(n int) (latencies []time.Duration, err error) {
	ctx := context.Background() // the wait ends after awaitTimeout
	err = await(ctx, func() error {
		f.mu.Lock()
		latencies = slices.Clone(f.latencies)
		f.mu.Unlock()
		if len(latencies) < n {
			return fmt.Errorf("%d of %d frames have arrived", len(latencies), n)
		}
		return nil
	})
	slices.Sort(latencies)
	return latencies, err
}

// quantile returns the smallest value v such that at least the fraction q of the sorted values is at most v.
func quantile(sorted []time.Duration, q float64) time.Duration {
	n := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(n, 1), len(sorted))-1]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// assigner assigns promotions over HTTP.
type assigner struct {
	*frames

	promotions []string
}

func (a *assigner) prepare(ctx context.Context, calls int) (err error) {
	perPromotion := livePlayers / a.perCall
	a.promotions = make([]string, (calls+perPromotion-1)/perPromotion)
	for i := range a.promotions {
		if a.promotions[i], err = a.createPromotion(ctx); err != nil {
			return err
		}
	}
	return nil
}

// createPromotion creates an available promotion and returns its id.
func (f *fleet) createPromotion(ctx context.Context) (string, error) {
	var created struct {
		ID string `json:"id"`
	}
	err := f.expect(ctx, http.StatusCreated, "/api/v1/promotions", f.staff, map[string]any{
		"title": "Offer", "type": "BONUS", "amount": "1", "startDate": "2000-01-01", "endDate": "2999-01-01",
	}, &created)
	return created.ID, err
}

func (a *assigner) send(ctx context.Context, n int, players []player) error {
	promotion := a.promotions[n*a.perCall/livePlayers]
	ids := make([]string, len(players))
	for i, p := range players {
		ids[i] = p.id
	}
	a.mark(promotion, players)
	path := "/api/v1/promotions/" + promotion + "/assign"
	return a.expect(ctx, http.StatusOK, path, a.staff, map[string]any{"player_ids": ids}, nil)
}

// committer commits events to the outbox of promotions, and wakes the relay as another replica of promotions does.
type committer struct{ *frames }

func (committer) prepare(context.Context, int) error { return nil }

func (c *committer) send(ctx context.Context, _ int, players []player) error {
	promotion := uuid.NewString()
	events := make([]event.Event, len(players))
	for i, p := range players {
		var err error
		if events[i], err = assigned(p.id, promotion); err != nil {
			return err
		}
	}
	tx, err := c.pools["promotions"].Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // has no effect after the commit
	if err := outbox.Append(ctx, tx, events...); err != nil {
		return err
	}
	c.mark(promotion, players)
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	return c.wakeRelay(ctx)
}

// wakeRelay notifies the relay of promotions of committed events.
func (f *fleet) wakeRelay(ctx context.Context) error {
	_, err := f.pools["promotions"].Exec(ctx, "SELECT pg_notify('loyalty_outbox', 'bench')")
	return err
}
