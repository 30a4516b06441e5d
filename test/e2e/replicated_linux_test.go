package e2e_test

import (
	"cmp"
	"flag"
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// Flags of TestReplicated. `make replicated` sets -full.
var (
	full        = flag.Bool("full", false, "TestReplicated: every replica, every point, all sockets")
	socketCount = flag.Int("sockets", 0, "TestReplicated: `number` of sockets; default 300, with -full 10,000")
)

// TestReplicated runs the last release of the platform as in production, see stack, and upgrades it under load. It runs the
// tests of behindNginx on the new release. Then it kills, freezes and restarts processes under load. After each fault all
// acknowledged effects exist, `loyalty verify` finds no violations, and the players have received each notification once. The
// test prints what callers saw and how long the recovery took; it does not judge durations.
func TestReplicated(t *testing.T) {
	started := time.Now()
	count := cmp.Or(*socketCount, 300)
	if *full {
		count = cmp.Or(*socketCount, 10_000)
	}
	// This process opens one file for each socket. An Nginx worker opens two, but has only a part of the sockets.
	raiseFileLimit(t, uint64(count+count/2))
	program, release := lastRelease(t)
	s := startStack(t, program)
	r := &report{}
	t.Logf("three brokers, Redis, its replica and three sentinels, PostgreSQL, nine replicas and Nginx started in %s", since(started))
	l := newLoad(t, s)
	t.Logf("%d players registered and notified after %s", crews*crewPlayers, since(started))
	t.Run("upgrade", func(t *testing.T) {
		if program == "" {
			t.Skipf("no upgrade: the history of the repository with the last release (%s) is missing", release)
		}
		r.run(t, l, upgrade(s, release))
	})
	l.limited = true
	t.Run("Kafka users", s.kafkaUsers)
	for _, tt := range behindNginx() {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, s) })
	}
	s.verify(t)
	t.Logf("the tests behind Nginx have ended after %s", since(started))
	for _, f := range killings(s) {
		if f.short || *full {
			t.Run(f.name, func(t *testing.T) { r.run(t, l, f) })
		}
	}
	if *full {
		t.Run("points", func(t *testing.T) { runPoints(t, s) })
	}
	t.Run("sockets", func(t *testing.T) { manySockets(t, s, count) })
	r.print(t)
}

func since(t time.Time) string { return time.Since(t).Round(100 * time.Millisecond).String() }

// fault is a fault under load.
type fault struct {
	name  string
	short bool // part of the short form
	// inject causes the fault and ends it, and returns when it began and ended. Between begin and end it waits until the effect
	// on callers shows.
	inject func(l *load) (begin, end time.Time)
	// graceful is true if no request may fail.
	graceful bool
	// closesSockets is true if the fault must close sockets, all with 1001, which tells clients to reconnect.
	closesSockets bool
	// losesSessions is true if the latest logins may be lost: Redis copies to its replica asynchronously.
	losesSessions bool
}

// report prints what happened.
type report struct{ lines []string }

// run injects a fault under load, waits until all callers are served again, and checks the effects.
func (r *report) run(t *testing.T, l *load, f fault) {
	t.Helper()
	l.t = t
	l.renew()
	var begin, end time.Time
	l.run(func() {
		l.progress(1)
		begin, end = f.inject(l)
		l.progress(2)
	})
	l.settle()
	if f.graceful && l.failed() > 0 {
		t.Errorf("%s: %d requests failed: %s; the first one was %s", f.name, l.failed(), l.seen(), l.first)
	}
	if sockets := l.closes(); f.closesSockets && (len(sockets) > 1 || sockets["closed with 1001"] == 0) {
		t.Errorf("%s: sockets %v, want 1001 only", f.name, sockets)
	}
	if l.lost > 0 && !f.losesSessions {
		t.Errorf("%s: the sessions of %d acknowledged logins were lost", f.name, l.lost)
	}
	fromBegin, fromEnd := l.outage(begin), l.outage(end)
	t.Logf("%s: callers saw %s; sockets %v", f.name, l.seen(), l.closes())
	r.lines = append(r.lines, fmt.Sprintf("%s\t%d\t%d\t%s\t%s\t%s\t%s", f.name, l.failed(), len(fromBegin),
		quantiles(fromBegin), end.Sub(begin).Round(time.Millisecond), quantiles(fromEnd), quantiles(l.silences())))
}

// quantiles returns the median and the maximum of sorted durations.
func quantiles(sorted []time.Duration) string {
	if len(sorted) == 0 {
		return "-"
	}
	round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	return fmt.Sprintf("%s (%s)", round(median(sorted)), round(sorted[len(sorted)-1]))
}

func (r *report) print(t *testing.T) {
	t.Helper()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\tfailed answers\tfailed requests\tserved again after, median (max)\tfault lasted\tserved again after its end, median (max)\tlongest time between frames, median (max)")
	for _, line := range r.lines {
		fmt.Fprintln(w, line)
	}
	w.Flush()
	t.Logf("No acknowledged effect was lost, and loyalty verify found no violations after each of these faults:\n%s", b.String())
}
