// Command bench compares operations of the platform with reference values, which it calls limits. For throughput, the limit
// is the rate at which pgbench runs the SQL statements of the operation, on the same server and in the same run. The ledger
// can exceed its limit because it commits several entries together. bench starts the servers, prints one table, and writes
// all rounds to a JSON file.
//
//	go run ./bench                         all rows
//	go run ./bench --only hot --rounds 9   the rows whose names contain "hot"
//
// On a machine with other load, trust only the ratios.
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

// options are the command line options.
type options struct {
	rounds, seconds int
	only, out       string
	dir, profile    string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "`number` of measurements of each row")
	flag.IntVar(&o.seconds, "seconds", 5, "duration of one measurement in `seconds`")
	flag.StringVar(&o.only, "only", "", "measure only rows whose name contains this `text`")
	flag.StringVar(&o.out, "out", "", "JSON `file` to write (default: bench/results/TIME.json)")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "`directory` for the data of the servers; should be on a real disk")
	flag.StringVar(&o.profile, "cpuprofile", "", "`file` for a CPU profile of this process")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // the deferred stop is not needed any more
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	if o.rounds < 1 || o.seconds < 1 {
		return errors.New("--rounds and --seconds must be at least 1")
	}
	rows := selected(o.only)
	if len(rows) == 0 {
		return fmt.Errorf("--only: no row has a name that contains %q", o.only)
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
