package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

const mib = 1 << 20

// restRow measures the services without any load, in new processes.
func restRow() Row {
	services := []string{"users", "promotions", notifications(0)}
	row := Row{Name: "at rest", Metrics: []Metric{{Name: "RSS of the three services", Unit: "MiB", Goal: 90, AtMost: true}}}
	for _, name := range services {
		row.Metrics = append(row.Metrics, Metric{
			Name: "CPU of " + serviceOf(name), Unit: "% of a core", Goal: 0.3, AtMost: true,
		})
	}
	row.Open = func(ctx context.Context, env *Env) (*Pair, error) {
		f, err := env.fleet(ctx, 1)
		if err != nil {
			return nil, err
		}
		if err := f.restart(ctx, services...); err != nil {
			return nil, err
		}
		return &Pair{Ours: func(ctx context.Context, d time.Duration) ([]float64, error) {
			processes := make([]*process, len(services))
			for i, name := range services {
				processes[i] = f.processes[name]
			}
			return atRest(ctx, d, processes...)
		}}, nil
	}
	return row
}

// atRest returns the resident memory of all processes together in MiB, and the CPU use of each in percent of a core.
func atRest(ctx context.Context, d time.Duration, processes ...*process) ([]float64, error) {
	var errs []error
	cpu := func() []time.Duration {
		used := make([]time.Duration, len(processes))
		for i, p := range processes {
			t, err := p.cpu()
			used[i] = t
			errs = append(errs, err)
		}
		return used
	}
	start, before := time.Now(), cpu()
	errs = append(errs, pause(ctx, d))
	took, after := time.Since(start), cpu()
	values := []float64{0}
	for i, p := range processes {
		rss, err := p.rss()
		errs = append(errs, err)
		values[0] += rss / mib
		values = append(values, 100*(after[i]-before[i]).Seconds()/took.Seconds())
	}
	return values, errors.Join(errs...)
}

// devRow measures loyalty-dev: the time from the start of the program until it is healthy, with a new and with an existing
// data directory, and its use of memory and CPU without load. PostgreSQL is a separate process.
func devRow() Row {
	return Row{
		Name: "loyalty-dev",
		Metrics: []Metric{
			{Name: "first start", Unit: "s", Goal: 1.5, AtMost: true},
			{Name: "next start", Unit: "s", Goal: 0.5, AtMost: true},
			{Name: "RSS at rest", Unit: "MiB", Goal: 120, AtMost: true},
			{Name: "CPU at rest", Unit: "% of a core", Goal: 1, AtMost: true},
		},
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			return &Pair{Ours: env.measureDev}, env.build(ctx)
		},
	}
}

func (e *Env) measureDev(ctx context.Context, d time.Duration) (_ []float64, err error) {
	data, err := os.MkdirTemp(e.folder, "dev-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	if err := os.Chmod(data, 0o755); err != nil { // PostgreSQL may run as another user
		return nil, err
	}
	first, p, err := e.startDev(ctx, filepath.Join(data, "loyalty"))
	if err != nil {
		return nil, err
	}
	if err := p.stop(); err != nil {
		return nil, err
	}
	next, p, err := e.startDev(ctx, filepath.Join(data, "loyalty"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := pause(ctx, warmUp); err != nil { // the work after the start
		return nil, err
	}
	rest, err := atRest(ctx, d, p)
	return append([]float64{first.Seconds(), next.Seconds()}, rest...), err
}

// startDev starts loyalty-dev and returns how long it took to become healthy.
func (e *Env) startDev(ctx context.Context, data string) (time.Duration, *process, error) {
	address, err := freeAddr()
	if err != nil {
		return 0, nil, err
	}
	start := time.Now()
	p, err := e.start("loyalty-dev", e.programs.dev, []string{"--addr", address, "--data", data})
	if err != nil {
		return 0, nil, err
	}
	p.url = "http://" + address
	if err := p.ready(ctx); err != nil {
		return 0, nil, errors.Join(err, p.stop())
	}
	return time.Since(start), p, nil
}

// sizeRow measures the program that the container image contains.
func sizeRow() Row {
	return Row{
		Name: "size of the program loyalty", Metrics: []Metric{{Unit: "MB", Goal: 45, AtMost: true}},
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			size := func(context.Context, time.Duration) (float64, error) {
				info, err := os.Stat(env.programs.loyalty)
				if err != nil {
					return 0, err
				}
				return float64(info.Size()) / 1e6, nil
			}
			return &Pair{Ours: one(size)}, env.build(ctx)
		},
	}
}
