package check_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/check"
)

// TestRun runs a check that never returns, between two others. Run must not wait for it, and must keep the order.
func TestRun(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	secondDone := make(chan struct{})
	findings := check.Run(t.Context(), time.Millisecond,
		check.Check{Subject: "first", Run: func(_ context.Context, r *check.Report) {
			<-secondDone // the checks run at the same time
			r.OKf("%d is fine", 1)
		}},
		check.Check{Subject: "frozen", Run: func(_ context.Context, r *check.Report) {
			r.Warn("odd", "change it")
			close(secondDone)
			<-release
			r.OKf("too late")
		}},
		check.Check{Subject: "last", Run: func(ctx context.Context, r *check.Report) {
			<-ctx.Done()
			r.FailedTo("connect", ctx.Err(), "start it")
		}},
		check.Skipped("absent", "LOYALTY_ABSENT"),
	)
	var text, asJSON bytes.Buffer
	if err := errors.Join(check.Write(&text, findings), check.WriteJSON(&asJSON, findings[:2])); err != nil {
		t.Fatal(err)
	}
	const want = `ok    first   1 is fine
warn  frozen  odd; change it
fail  frozen  no answer within 1ms; look whether the server is overloaded or frozen
fail  last    cannot connect: no answer within 1ms; start it
skip  absent  LOYALTY_ABSENT is not set
`
	if text.String() != want {
		t.Errorf("got\n%swant\n%s", text.String(), want)
	}
	const wantJSON = `{"level":"ok","subject":"first","finding":"1 is fine"}
{"level":"warn","subject":"frozen","finding":"odd","action":"change it"}
`
	if asJSON.String() != wantJSON {
		t.Errorf("got\n%swant\n%s", asJSON.String(), wantJSON)
	}
	if warnings, failures := check.Count(findings, check.Warn), check.Count(findings, check.Fail); warnings != 1 || failures != 2 {
		t.Errorf("%d warnings and %d failures, want 1 and 2", warnings, failures)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	before := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	after := before.Add(3 * time.Second)
	for name, tt := range map[string]struct {
		server time.Time
		want   check.Level
	}{
		"during the request": {before.Add(2 * time.Second), check.OK},
		"a little behind":    {before.Add(-999 * time.Millisecond), check.OK},
		"behind":             {before.Add(-time.Second), check.Warn},
		"far behind":         {before.Add(-5 * time.Second), check.Fail},
		"a little ahead":     {after.Add(999 * time.Millisecond), check.OK},
		"ahead":              {after.Add(time.Second), check.Warn},
		"almost far ahead":   {after.Add(4999 * time.Millisecond), check.Warn},
		"far ahead":          {after.Add(5 * time.Second), check.Fail},
	} {
		findings := check.Run(t.Context(), time.Minute, check.Check{Run: func(_ context.Context, r *check.Report) {
			r.Clock(tt.server, before, after)
		}})
		if len(findings) != 1 || findings[0].Level != tt.want {
			t.Errorf("%s: %+v, want %s", name, findings, tt.want)
		}
	}
}
