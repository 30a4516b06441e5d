package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// fanOutBurst is the number of frames that each socket receives in one burst.
const fanOutBurst = 2

// fanOutRow measures how many frames one notifications process sends per second of its CPU time. Each event on the bus
// becomes one frame on each of the player's sockets. The CPU time includes reading the event, storing the notification and
// passing it through Redis.
func fanOutRow(goal float64) Row {
	return Row{
		Name: "socket fan-out, 20 sockets per player", Metrics: throughput("frames/CPU s", goal),
		Limit: "a minimal Go WebSocket server that writes the same frame to the same number of sockets",
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			f, err := env.fleet(ctx, 1)
			if err != nil {
				return nil, err
			}
			if err := f.signIn(ctx, livePlayers); err != nil {
				return nil, err
			}
			return f.openFanOut(ctx)
		},
	}
}

func (f *fleet) openFanOut(ctx context.Context) (*Pair, error) {
	minimal, err := f.env.startMinimal(ctx)
	if err != nil {
		return nil, err
	}
	ours := &fanOut{process: f.processes[notifications(0)], send: f.publishBurst}
	limit := &fanOut{process: minimal}
	limit.send = func(ctx context.Context) error { return writeBurst(ctx, minimal, *ours.sample.Load()) }
	closeAll := func() error {
		ours.sockets.close()
		limit.sockets.close()
		minimal.Kill()
		return nil
	}
	ours.sockets, err = f.openLive(ctx, ours.process, ours.receive)
	if err == nil {
		limit.sockets, err = openSettled(ctx, minimal, noToken, limit.receive)
	}
	if err == nil { // the minimal server sends one of these frames
		err = ours.burst(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	return &Pair{Ours: one(ours.measure), Limit: one(limit.measure), Close: closeAll}, nil
}

// fanOut is a server process with liveSockets sockets.
type fanOut struct {
	process  *process
	sockets  *sockets
	send     func(ctx context.Context) error // makes the server send fanOutBurst frames to each socket
	received atomic.Int64
	sample   atomic.Pointer[[]byte]
}

func (o *fanOut) receive(i int, frame []byte) {
	if i == 0 {
		o.sample.Store(&frame)
	}
	o.received.Add(1)
}

// measure sends bursts for d and returns the frames per second of the process's CPU time.
func (o *fanOut) measure(ctx context.Context, d time.Duration) (float64, error) {
	before, err := o.process.cpu()
	if err != nil {
		return 0, err
	}
	frames := 0
	for start := time.Now(); time.Since(start) < d; frames += fanOutBurst * liveSockets {
		if err := o.burst(ctx); err != nil {
			return 0, err
		}
	}
	after, err := o.process.cpu()
	return float64(frames) / (after - before).Seconds(), err
}

// burst sends one burst and waits until all frames have arrived.
func (o *fanOut) burst(ctx context.Context) error {
	want := o.received.Load() + fanOutBurst*liveSockets
	if err := o.send(ctx); err != nil {
		return err
	}
	return await(ctx, func() error {
		switch got, lost := o.received.Load(), o.sockets.lost.Load(); {
		case lost > 0:
			return stopError{fmt.Errorf("%s has closed %d sockets", o.process.name, lost)}
		case got < want:
			return fmt.Errorf("%d frames of %s are missing", want-got, o.process.name)
		default:
			return nil
		}
	})
}

// publishBurst publishes fanOutBurst events for each player.
func (f *fleet) publishBurst(ctx context.Context) error {
	var events []event.Event
	for range fanOutBurst {
		promotion := uuid.NewString()
		for _, p := range f.players[:livePlayers] {
			e, err := assigned(p.id, promotion)
			if err != nil {
				return err
			}
			events = append(events, e)
		}
	}
	return f.bus.Publish(ctx, events...)
}

// writeBurst makes the minimal server write the frame.
func writeBurst(ctx context.Context, minimal *process, frame []byte) error {
	url := fmt.Sprintf("%s/frames?each=%d", minimal.url, fanOutBurst)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(frame))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("POST /frames: %s", response.Status)
	}
	return nil
}
