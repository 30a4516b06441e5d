package main

import (
	"context"
	"errors"
	"runtime"
	"time"
)

// Row is one line of the table. It compares an operation of the platform with its limit, a reference value.
type Row struct {
	// Name identifies the row for --only.
	Name string
	// Unit is the unit of both values, such as "entries/s".
	Unit string
	// Limit describes what the limit measures.
	Limit string
	// Goal is the required ratio of the platform to the limit. It is the maximum if AtMost is true, else the minimum.
	Goal   float64
	AtMost bool
	// Open prepares both measurements before the first round.
	Open func(ctx context.Context, env *Env) (*Pair, error)
}

// Pair holds the two measurements of a row.
type Pair struct {
	Ours, Limit Measure
	// Close releases the resources of Open. It may be nil.
	Close func() error
}

// Measure runs the work for d and returns a value in the unit of the row.
type Measure func(ctx context.Context, d time.Duration) (float64, error)

// allRows returns all rows in the order of the table.
func allRows() []Row {
	return []Row{
		ledgerRow(8, 1.5), ledgerRow(32, 2.7),
		grpcRow(8, 0.8), grpcRow(32, 1.5),
		hotRow(10), hotGRPCRow(7),
		claimsRow(0.7), framesRow(),
	}
}

// warmUp is the duration of the unmeasured run of each side before the first round.
const warmUp = 2 * time.Second

// measureRow measures the two sides of a row alternately, so that both see the same load of the machine. The side that goes
// first changes with every round.
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
			return Result{}, errors.New("the limit is zero")
		}
		env.progress("  round %d of %d: ours %.0f, limit %.0f %s, ratio %.2f", n+1, rounds, r.Ours, r.Limit, row.Unit, r.Ratio())
		result.Rounds = append(result.Rounds, r)
	}
	return result, nil
}

// measure resets the environment, then runs m. The reset empties the outbox, makes a checkpoint and collects garbage.
func (e *Env) measure(ctx context.Context, m Measure, d time.Duration) (float64, error) {
	if err := e.tidy(ctx); err != nil {
		return 0, err
	}
	runtime.GC()
	return m(ctx, d)
}
