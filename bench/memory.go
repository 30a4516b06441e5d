package main

import (
	"context"
	"fmt"
	"time"
)

// memoryRow measures the memory of an idle socket: the growth of the process's proportional memory (Pss) by liveSockets
// sockets, divided by their number. The process is new in each round. It collects its garbage before both readings.
func memoryRow(goal float64) Row {
	return Row{
		Name:    fmt.Sprintf("memory per idle socket, %d sockets", liveSockets),
		Metrics: []Metric{{Unit: "KiB", Goal: goal, AtMost: true}},
		Limit:   "a minimal Go WebSocket server",
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			f, err := env.fleet(ctx, 1)
			if err != nil {
				return nil, err
			}
			if err := f.signIn(ctx, livePlayers); err != nil {
				return nil, err
			}
			m := &memory{fleet: f}
			return &Pair{Ours: one(m.ours), Limit: one(m.minimal), Close: func() error {
				m.open.close()
				return nil
			}}, nil
		},
	}
}

// memory measures the two servers.
type memory struct {
	*fleet

	open *sockets // to the notifications service, of its last round; a profile shows their memory
}

func (m *memory) ours(ctx context.Context, _ time.Duration) (float64, error) {
	m.open.close()
	m.open = nil
	if err := m.restart(ctx, notifications(0)); err != nil {
		return 0, err
	}
	return growth(ctx, m.processes[notifications(0)], func(p *process) (err error) {
		m.open, err = m.openLive(ctx, p, discard)
		return err
	})
}

func (m *memory) minimal(ctx context.Context, _ time.Duration) (float64, error) {
	p, err := m.env.startMinimal(ctx)
	if err != nil {
		return 0, err
	}
	var open *sockets
	defer func() {
		open.close()
		p.Kill()
	}()
	return growth(ctx, p, func(p *process) (err error) {
		open, err = openSettled(ctx, p, noToken, discard)
		return err
	})
}

func discard(int, []byte) {}

// growth returns how much memory in KiB a socket adds to the process when open opens liveSockets sockets.
func growth(ctx context.Context, p *process, open func(*process) error) (float64, error) {
	if err := p.settled(ctx); err != nil {
		return 0, err
	}
	before, err := p.collected()
	if err != nil {
		return 0, err
	}
	if err := open(p); err != nil {
		return 0, err
	}
	after, err := p.collected()
	return (after - before) / liveSockets / 1024, err
}

// collected returns the memory of the process after it has collected its garbage.
func (p *process) collected() (float64, error) {
	if err := p.collect(); err != nil {
		return 0, err
	}
	return p.pss()
}
