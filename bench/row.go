package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Row measures an operation of the platform. It has one line in the table for each of its metrics.
type Row struct {
	// Name identifies the row for --only.
	Name string
	// Limit describes what the limit measures. It is empty if the goals are absolute values.
	Limit string
	// Metrics are the values that a measurement returns.
	Metrics []Metric
	// Open prepares the measurements before the first round.
	Open func(ctx context.Context, env *Env) (*Pair, error)
}

// Metric is one value of a measurement.
type Metric struct {
	// Name is added to the name of the row. It is empty if the row has only one metric.
	Name string `json:"name"`
	// Unit is the unit of the value, such as "entries/s".
	Unit string `json:"unit"`
	// Goal is the required ratio to the limit; without a limit, it is the required value. It is the maximum if AtMost is true,
	// else the minimum. Zero means that there is no goal.
	Goal   float64 `json:"goal,omitempty"`
	AtMost bool    `json:"atMost,omitempty"`
	// Worst compares the goal with the worst round instead of the median.
	Worst bool `json:"worst,omitempty"`
}

// throughput returns the only metric of a row, a throughput that must be at least goal times the limit.
func throughput(unit string, goal float64) []Metric { return []Metric{{Unit: unit, Goal: goal}} }

// Pair holds the two measurements of a row.
type Pair struct {
	Ours Measure
	// Limit is nil if the goals are absolute values.
	Limit Measure
	// Close releases the resources of Open. It may be nil.
	Close func() error
}

// Measure runs the work for d and returns one value for each metric of the row.
type Measure func(ctx context.Context, d time.Duration) ([]float64, error)

// one returns the measure of a single value.
func one(measure func(ctx context.Context, d time.Duration) (float64, error)) Measure {
	return func(ctx context.Context, d time.Duration) ([]float64, error) {
		value, err := measure(ctx, d)
		return []float64{value}, err
	}
}

// allRows returns all rows in the order of the table.
func allRows() []Row {
	return slices.Concat([]Row{
		ledgerRow(8, 1.2), ledgerRow(32, 2.2), copyRow(32, 0.35),
		grpcRow(8, 0.9), grpcRow(32, 0.9),
		hotRow(10), hotGRPCRow(6),
		claimsRow(8, 0.7), claimsRow(32, 0.7), limitsRow(32, 0.8),
	}, requestRows(), []Row{
		loginRow(0.92), registerRow(0.92),
		outboxRow(0.5), bulkRow(), assignRow(), commitRow(), fanOutRow(0.6), memoryRow(1),
		restRow(), devRow(), sizeRow(),
		clientRow(1.1),
	}, growthRows()) // last, because their services join the consumer groups of the fleet
}

// warmUp is the duration of the unmeasured run of each side before the first round.
const warmUp = 2 * time.Second

// measureRow measures the two sides of a row alternately, so that both see the same load of the machine. The side that goes
// first changes with every round. It returns one result for each metric.
func measureRow(ctx context.Context, env *Env, row Row, rounds int, d time.Duration) (_ []Result, err error) {
	env.progress("%s", row.Name)
	pair, err := row.Open(ctx, env)
	if err != nil {
		return nil, err
	}
	if pair.Close != nil {
		defer func() { err = errors.Join(err, pair.Close()) }()
	}
	for _, m := range []Measure{pair.Limit, pair.Ours} {
		if _, err := env.measure(ctx, m, warmUp); err != nil {
			return nil, err
		}
	}
	results := newResults(row)
	for n := range rounds {
		var ours, limit []float64
		sides := []struct {
			measure Measure
			values  *[]float64
		}{{pair.Ours, &ours}, {pair.Limit, &limit}}
		if n%2 == 1 {
			sides[0], sides[1] = sides[1], sides[0]
		}
		for _, s := range sides {
			if *s.values, err = env.measure(ctx, s.measure, d); err != nil {
				return nil, err
			}
		}
		var line []string
		for i := range results {
			r := Round{Ours: ours[i]}
			if pair.Limit != nil {
				if r.Limit = limit[i]; r.Limit <= 0 {
					return nil, errors.New("the limit is zero")
				}
			}
			results[i].Rounds = append(results[i].Rounds, r)
			line = append(line, results[i].describe(r))
		}
		env.progress("  round %d of %d: %s", n+1, rounds, strings.Join(line, ", "))
	}
	if env.profiles != "" {
		err = env.profile(ctx, row, pair, d)
	}
	return results, err
}

func newResults(row Row) []Result {
	results := make([]Result, len(row.Metrics))
	for i, m := range row.Metrics {
		name := row.Name
		if m.Name != "" {
			name = fmt.Sprintf("%s: %s", row.Name, m.Name)
		}
		m.Name = name
		results[i] = Result{Metric: m, Limit: row.Limit}
	}
	return results
}

// measure resets the environment, then runs m, which may be nil. The reset empties the outbox, makes a checkpoint and
// collects garbage.
func (e *Env) measure(ctx context.Context, m Measure, d time.Duration) ([]float64, error) {
	if m == nil {
		return nil, nil
	}
	if err := e.tidy(ctx); err != nil {
		return nil, err
	}
	runtime.GC()
	return m(ctx, d)
}
