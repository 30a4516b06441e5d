package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"
)

const (
	framePlayers = 200
	frameBatch   = 10                    // players per call
	framePace    = 10 * time.Millisecond // between calls: 1,000 notifications a second
	frameLimit   = 50                    // milliseconds
)

// framesRow measures the latency of notifications at 1,000 per second. The latency starts before the request that assigns a
// promotion and ends when the frame arrives on the socket of the player.
func framesRow() Row {
	return Row{
		Name: "commit to frame, p99 at 1,000/s", Unit: "ms", Goal: 1, AtMost: true,
		Limit: "50 ms, measured from before the request; one replica",
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			p, err := env.startPlatform(ctx, framePlayers)
			if err != nil {
				return nil, err
			}
			f := &frames{platform: p, env: env, sent: map[string]time.Time{}}
			if err := f.connect(ctx); err != nil {
				return nil, errors.Join(err, f.close())
			}
			return &Pair{
				Ours:  f.measure,
				Limit: func(context.Context, time.Duration) (float64, error) { return frameLimit, nil },
				Close: f.close,
			}, nil
		},
	}
}

// frames holds the sockets of all players and the measured latencies.
type frames struct {
	*platform
	env     *Env
	sockets []*websocket.Conn
	readers sync.WaitGroup

	mu        sync.Mutex
	sent      map[string]time.Time // time of the request, by promotion id + player id
	latencies []time.Duration
}

func (f *frames) connect(ctx context.Context) error {
	for _, player := range f.players {
		header := http.Header{"Authorization": {"Bearer " + player.token}}
		url := "ws" + strings.TrimPrefix(f.url, "http") + "/notifications/ws"
		conn, response, err := websocket.DefaultDialer.DialContext(ctx, url, header)
		if err != nil {
			return fmt.Errorf("open a socket: %w", err)
		}
		_ = response.Body.Close()
		f.sockets = append(f.sockets, conn)
		f.readers.Go(func() { f.read(conn, player.id) })
	}
	return nil
}

// read records the latency of each frame until the socket closes.
func (f *frames) read(conn *websocket.Conn, player string) {
	for {
		_, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		now := time.Now()
		var frame struct {
			Notification struct {
				Content struct {
					ID string `json:"id"`
				} `json:"content"`
			} `json:"notification"`
		}
		if json.Unmarshal(message, &frame) != nil {
			continue
		}
		f.mu.Lock()
		if at, ok := f.sent[frame.Notification.Content.ID+player]; ok {
			delete(f.sent, frame.Notification.Content.ID+player)
			f.latencies = append(f.latencies, now.Sub(at))
		}
		f.mu.Unlock()
	}
}

// measure assigns promotions at intervals of framePace for d and waits for the last frames. It returns the 99th percentile
// of the latency in milliseconds.
func (f *frames) measure(ctx context.Context, d time.Duration) (float64, error) {
	f.mu.Lock()
	f.latencies = f.latencies[:0]
	f.mu.Unlock()
	calls := int(d / framePace)
	perPromotion := framePlayers / frameBatch
	promotions, err := f.create(ctx, (calls+perPromotion-1)/perPromotion)
	if err != nil {
		return 0, err
	}
	g, ctx := errgroup.WithContext(ctx)
	pace := time.NewTicker(framePace)
	defer pace.Stop()
	start := time.Now()
	for n := range calls {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return 0, g.Wait()
		}
		first := n % perPromotion * frameBatch
		g.Go(func() error { return f.assign(ctx, promotions[n/perPromotion], f.players[first:first+frameBatch]) })
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	rate := float64(calls*frameBatch) / time.Since(start).Seconds()
	latencies, err := f.arrived(calls * frameBatch)
	if err != nil {
		return 0, err
	}
	at := func(q float64) float64 {
		return float64(latencies[int(float64(len(latencies)-1)*q)].Microseconds()) / 1000
	}
	f.env.progress("    %.0f notifications/s: p50 %.1f ms, p99 %.1f ms, worst %.1f ms", rate, at(0.5), at(0.99), at(1))
	return at(0.99), nil
}

// arrived waits until n frames have arrived and returns their latencies in ascending order. It returns an error after 30
// seconds.
func (f *frames) arrived(n int) ([]time.Duration, error) {
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		f.mu.Lock()
		latencies := slices.Clone(f.latencies)
		f.mu.Unlock()
		if len(latencies) == n {
			slices.Sort(latencies)
			return latencies, nil
		}
		select {
		case <-tick.C:
		case <-deadline:
			return nil, fmt.Errorf("%d of %d frames arrived within 30 s", len(latencies), n)
		}
	}
}

func (f *frames) create(ctx context.Context, n int) ([]string, error) {
	ids := make([]string, n)
	for i := range ids {
		status, answer, err := f.call(ctx, http.MethodPost, "/api/v1/promotions", f.staff, map[string]any{
			"title": "Offer", "type": "BONUS", "amount": "1", "startDate": "2000-01-01", "endDate": "2999-01-01",
		})
		if err == nil && status != http.StatusCreated {
			err = fmt.Errorf("create a promotion: status %d: %s", status, answer)
		}
		if err != nil {
			return nil, err
		}
		var created struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(answer, &created); err != nil {
			return nil, err
		}
		ids[i] = created.ID
	}
	return ids, nil
}

func (f *frames) assign(ctx context.Context, promotion string, players []player) error {
	ids := make([]string, len(players))
	f.mu.Lock()
	now := time.Now()
	for i, player := range players {
		ids[i] = player.id
		f.sent[promotion+player.id] = now
	}
	f.mu.Unlock()
	path := "/api/v1/promotions/" + promotion + "/assign"
	status, answer, err := f.call(ctx, http.MethodPost, path, f.staff, map[string]any{"player_ids": ids})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("assign: status %d: %s", status, answer)
	}
	return err
}

func (f *frames) close() error {
	for _, conn := range f.sockets {
		_ = conn.Close()
	}
	f.readers.Wait()
	return f.stop()
}
