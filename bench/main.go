// Command bench compares operations of the platform with reference values, which it calls limits, in the same run and on the
// same servers. It starts the servers, prints one table, and writes all rounds to a JSON file. README.md explains the rows.
//
//	make bench                                  all rows
//	make bench ARGS='--only hot --rounds 9'     the rows whose names match "hot"
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// options are the command line options.
type options struct {
	rounds, seconds int
	growth          int
	only, out       string
	dir, profiles   string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "`number` of measurements of each row")
	flag.IntVar(&o.seconds, "seconds", 5, "duration of one measurement in `seconds`")
	flag.IntVar(&o.growth, "growth", 1_000_000, "`number` of rows of the large tables of the rows about growth")
	flag.StringVar(&o.only, "only", "", "measure only rows whose name matches this regular `expression`")
	flag.StringVar(&o.out, "out", "", "JSON `file` to write (default: bench/results/TIME.json)")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "`directory` for the data of the servers; should be on a real disk")
	flag.StringVar(&o.profiles, "cpuprofile", "",
		"`directory` for profiles of this process and of the services, from an additional round")
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
	if o.growth < smallRows {
		return fmt.Errorf("--growth must be at least %d", smallRows)
	}
	rows, err := selected(o.only)
	if err != nil {
		return err
	}
	progress := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	env, err := newEnv(ctx, o.dir, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, env.Close()) }()
	env.profiles, env.growthRows = o.profiles, o.growth
	report := Report{Seconds: o.seconds, GrowthRows: o.growth, Started: time.Now().UTC()}
	for _, row := range rows {
		results, err := measureRow(ctx, env, row, o.rounds, time.Duration(o.seconds)*time.Second)
		if err != nil {
			return fmt.Errorf("%s: %w", row.Name, err)
		}
		report.Rows = append(report.Rows, results...)
	}
	report.Machine, report.LoadAfter = env.machine, loadAverage()
	report.print(out)
	return report.save(o.out, progress)
}

// selected returns the rows whose names match a regular expression.
func selected(only string) ([]Row, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, fmt.Errorf("--only: %w", err)
	}
	var rows []Row
	for _, r := range allRows() {
		if pattern.MatchString(r.Name) {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("--only: no row has a name that matches %q", only)
	}
	return rows, nil
}
