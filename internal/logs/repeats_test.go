package logs_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/logs"
)

func TestRepeats(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo}))
	r := logs.NewRepeats(func() time.Time { return now })
	lines := func(msg string) int {
		r.Log(t.Context(), log, slog.LevelWarn, msg)
		return strings.Count(out.String(), "level=WARN msg="+msg+"\n")
	}
	for _, step := range []struct {
		after time.Duration
		msg   string
		reset bool
		want  int
	}{
		{msg: "broker", want: 1},
		{msg: "broker", want: 1},
		{msg: "database", want: 1},
		{after: 9 * time.Minute, msg: "broker", want: 1},
		{after: time.Minute, msg: "broker", want: 2},
		{reset: true, msg: "broker", want: 3},
	} {
		now = now.Add(step.after)
		if step.reset {
			r.Reset()
		}
		if got := lines(step.msg); got != step.want {
			t.Errorf("after %+v there are %d lines, want %d", step, got, step.want)
		}
	}
}
