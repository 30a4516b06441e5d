package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// clientRow measures a call of the Go client against the same call in hand-written code. Both are sub-benchmarks of the
// client's own benchmark, which serves the answers in the same process.
func clientRow(goal float64) Row {
	return Row{
		Name: "Go client, GET of a promotion", Limit: "the same call with net/http and encoding/json",
		Metrics: []Metric{{Unit: "µs", Goal: goal, AtMost: true}},
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			program := filepath.Join(env.folder, "client.test")
			build := exec.CommandContext(ctx, "go", "test", "-C", "sdk/go", "-c", "-o", program, ".")
			if out, err := build.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("build the benchmark of the client: %w\n%s", err, out)
			}
			return &Pair{Ours: one(timePerCall(program, "client")), Limit: one(timePerCall(program, "net/http"))}, nil
		},
	}
}

// timePerCall returns the duration of a call in microseconds, from a sub-benchmark of BenchmarkGetPromotion.
func timePerCall(program, side string) func(context.Context, time.Duration) (float64, error) {
	return func(ctx context.Context, d time.Duration) (float64, error) {
		name := "^BenchmarkGetPromotion$/^" + side + "$"
		out, err := exec.CommandContext(ctx, program, "-test.run=^$", "-test.bench="+name, "-test.benchtime="+d.String()).
			CombinedOutput()
		if err != nil {
			return 0, fmt.Errorf("benchmark of the client: %w\n%s", err, out)
		}
		match := regexp.MustCompile(`([0-9.]+) ns/op`).FindSubmatch(out)
		if match == nil {
			return 0, fmt.Errorf("the benchmark of the client printed no result:\n%s", out)
		}
		nanoseconds, err := strconv.ParseFloat(string(match[1]), 64)
		return nanoseconds / 1e3, err
	}
}
