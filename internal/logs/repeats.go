// Package logs has helpers for log lines.
package logs

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// repeatInterval is the minimum interval between two lines with the same message.
const repeatInterval = 10 * time.Minute

// Repeats keeps a repeated failure from filling the log. It logs a message with its level if the message was not logged
// within the last ten minutes, and else at the debug level. Its methods are safe for concurrent use.
type Repeats struct {
	now func() time.Time

	mu   sync.Mutex
	last map[string]time.Time
}

// NewRepeats returns a Repeats that has logged nothing. Production code passes time.Now as now.
func NewRepeats(now func() time.Time) *Repeats {
	return &Repeats{now: now, last: map[string]time.Time{}}
}

// Log logs a message. The message must be one of a small number of constants.
func (r *Repeats) Log(ctx context.Context, log *slog.Logger, level slog.Level, msg string, args ...any) {
	if level > slog.LevelDebug && !r.first(msg) {
		level = slog.LevelDebug
	}
	log.Log(ctx, level, msg, args...)
}

// Reset forgets all messages, because the failure has ended.
func (r *Repeats) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.last)
}

// first reports whether the message was not logged recently.
func (r *Repeats) first(msg string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if last, ok := r.last[msg]; ok && now.Sub(last) < repeatInterval {
		return false
	}
	r.last[msg] = now
	return true
}
