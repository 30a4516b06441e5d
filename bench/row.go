package main

import (
	"context"
	"errors"
	"runtime"
	"time"
)

// Row is one line of the table: something that the platform does, and the limit that it is divided by.
type Row struct {
	// Name is short and names the row for -only.
	Name string
	// Unit is that of both values, "entries/s".
	Unit string
	// Limit says in a few words what the limit is.
	Limit string
	// Goal is the least ratio of ours to the limit that is good enough, or the greatest where less is better.
	Goal   float64
	AtMost bool
	// Open prepares both measurements, before the first round.
	Open func(ctx context.Context, env *Env) (*Pair, error)
}

// Pair is what a row measures, round after round.
type Pair struct {
	Ours, Limit Measure
	// Close, if set, lets go of what Open has made.
	Close func() error
}

// Measure does its work for d and returns how much it got done per second, or whatever else the row's unit is.
type Measure func(ctx context.Context, d time.Duration) (float64, error)

// allRows is the table, from top to bottom.
func allRows() []Row {
	return []Row{
		ledgerRow(8, 1.5), ledgerRow(32, 2.7),
		grpcRow(8, 0.8), grpcRow(32, 1.5),
		hotRow(10), hotGRPCRow(7),
		claimsRow(0.7), framesRow(),
	}
}

// warmUp is how long each side of a row runs before the first round, uncounted.
const warmUp = 2 * time.Second

// measureRow measures a row's sides in turns, so that both meet the same weather, and each goes first every other round.
func measureRow(ctx context.Context, env *Env, row Row, rounds int, d time.Duration) (_ Result, err error) {
	env.progress("%s", row.Name)
	pair, err := row.Open(ctx, env)
	if err != nil {
		return Result{}, err
	}
	if pair.Close != nil {
		defer func() {
			if e := pair.Close(); err == nil {
				err = e
			}
		}()
	}
	result := Result{Name: row.Name, Unit: row.Unit, Limit: row.Limit, Goal: row.Goal, AtMost: row.AtMost}
	for _, m := range []Measure{pair.Limit, pair.Ours} {
		if _, err := env.measure(ctx, m, warmUp); err != nil {
			return Result{}, err
		}
	}
	for n := range rounds {
		var r Round
		sides := []struct {
			measure Measure
			value   *float64
		}{{pair.Ours, &r.Ours}, {pair.Limit, &r.Limit}}
		if n%2 == 1 {
			sides[0], sides[1] = sides[1], sides[0]
		}
		for _, s := range sides {
			if *s.value, err = env.measure(ctx, s.measure, d); err != nil {
				return Result{}, err
			}
		}
		if r.Limit <= 0 {
			return Result{}, errors.New("the limit got nothing done")
		}
		env.progress("  round %d of %d: ours %.0f, limit %.0f %s, ratio %.2f", n+1, rounds, r.Ours, r.Limit, row.Unit, r.Ratio())
		result.Rounds = append(result.Rounds, r)
	}
	return result, nil
}

// measure runs m from an even start: an empty outbox, written pages, a clean heap.
func (e *Env) measure(ctx context.Context, m Measure, d time.Duration) (float64, error) {
	if err := e.tidy(ctx); err != nil {
		return 0, err
	}
	runtime.GC()
	return m(ctx, d)
}
