// Command bench measures the platform against limits that are measured beside it: the same work done by the plainest
// program there is, on the same server, in the same run, in turns. It starts the servers that it needs and prints one
// table; the raw rounds go to a JSON file.
//
//	go run ./bench                       all rows
//	go run ./bench -only hot -rounds 9   the rows whose names contain "hot"
//
// A figure of a machine that does other things at the same time is worth little on its own; the ratios hold up better.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"
)

type options struct {
	rounds, seconds int
	only, out       string
	dir, profile    string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "how often each row is measured, ours and the limit in turns")
	flag.IntVar(&o.seconds, "seconds", 5, "how long one measurement takes")
	flag.StringVar(&o.only, "only", "", "measure the rows whose names contain this text")
	flag.StringVar(&o.out, "out", "", "the JSON file (default: one under bench/results, named by the time)")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "where the servers keep their data while the program runs: use a real disk")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a profile of this process's share in our measurements")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to do but stop
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	if o.rounds < 1 || o.seconds < 1 {
		return errors.New("-rounds and -seconds must be at least 1")
	}
	rows := selected(o.only)
	if len(rows) == 0 {
		return fmt.Errorf("no row's name contains %q", o.only)
	}
	progress := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	env, err := newEnv(ctx, o.dir, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, env.Close()) }()
	stopProfile, err := startProfile(o.profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProfile()) }()
	report := Report{Machine: env.machine, Seconds: o.seconds, Started: time.Now().UTC()}
	for _, row := range rows {
		result, err := measureRow(ctx, env, row, o.rounds, time.Duration(o.seconds)*time.Second)
		if err != nil {
			return fmt.Errorf("%s: %w", row.Name, err)
		}
		report.Rows = append(report.Rows, result)
	}
	report.LoadAfter = loadAverage()
	report.print(out)
	return report.save(o.out, progress)
}

func selected(only string) []Row {
	var rows []Row
	for _, r := range allRows() {
		if strings.Contains(r.Name, only) {
			rows = append(rows, r)
		}
	}
	return rows
}

func startProfile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
