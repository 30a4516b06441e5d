// Package check examines the servers in the settings: whether they can be reached, and whether they are configured so
// that no money, session or event is lost. It changes nothing.
package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/printable"
)

// Level says how bad a finding is.
type Level string

// The levels. Skip is for a subject that the settings do not name.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
	Skip Level = "skip"
)

// Finding is one result of a check.
type Finding struct {
	Level   Level  `json:"level"`
	Subject string `json:"subject"`
	Text    string `json:"finding"`
	// Action says what to do. It is empty for OK and Skip.
	Action string `json:"action,omitempty"`
}

// Check examines one subject.
type Check struct {
	Subject string
	// Run reports its findings to r. It should return when ctx ends.
	Run func(ctx context.Context, r *Report)
}

// Skipped returns a check of a subject that the settings do not name. setting is the name of the missing setting.
func Skipped(subject, setting string) Check {
	return Check{Subject: subject, Run: func(_ context.Context, r *Report) { r.add(Skip, setting+" is not set", "") }}
}

// Report collects the findings of one check. It is safe for concurrent use.
type Report struct {
	subject string
	timeout time.Duration

	mu       sync.Mutex
	findings []Finding
	closed   bool
}

// OKf reports that something is as it should be.
func (r *Report) OKf(format string, args ...any) { r.add(OK, fmt.Sprintf(format, args...), "") }

// Warn reports something that the operator should change.
func (r *Report) Warn(finding, action string) { r.add(Warn, finding, action) }

// Fail reports something that the operator must change.
func (r *Report) Fail(finding, action string) { r.add(Fail, finding, action) }

// FailedTo reports an operation that returned an error. The text of the error must not contain secrets.
func (r *Report) FailedTo(operation string, err error, action string) {
	reason := strings.Join(strings.Fields(err.Error()), " ")
	if errors.Is(err, context.DeadlineExceeded) {
		reason = fmt.Sprintf("no answer within %s", r.timeout)
	}
	r.Fail("cannot "+operation+": "+reason, action)
}

func (r *Report) add(level Level, text, action string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.findings = append(r.findings, Finding{Level: level, Subject: r.subject, Text: text, Action: action})
	}
}

// close returns the findings. It ignores all later ones.
func (r *Report) close() []Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return r.findings
}

const (
	// skewWarning is far more than the difference between clocks that NTP keeps, which is some milliseconds.
	skewWarning = time.Second
	// skewFailure is the smallest difference at which services refuse each other's access tokens.
	skewFailure = authn.Leeway
)

// Clock compares the clock of a server with the clock of this machine. The server read its clock at some time between
// before and after, so a difference that the duration of the request explains does not count.
func (r *Report) Clock(server, before, after time.Time) {
	skew := max(server.Sub(after), before.Sub(server), 0).Round(time.Millisecond)
	text := fmt.Sprintf("the clock differs by %s from the clock of this machine", skew)
	const action = "synchronize both clocks with NTP"
	switch {
	case skew >= skewFailure:
		r.Fail(text+"; access tokens are refused", action)
	case skew >= skewWarning:
		r.Warn(text, action)
	default:
		r.OKf("the clock differs by less than %s from the clock of this machine", skewWarning)
	}
}

// grace is how long Run waits for checks after their context has ended.
const grace = 2 * time.Second

// Run runs all checks at the same time and returns their findings in the order of the checks. It returns soon after the
// timeout even if a check does not: some clients cannot be interrupted. Such a check continues in the background, so call
// Run only in a process that ends afterwards.
func Run(ctx context.Context, timeout time.Duration, checks ...Check) []Finding {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	reports := make([]*Report, len(checks))
	done := make([]chan struct{}, len(checks))
	for i, c := range checks {
		reports[i], done[i] = &Report{subject: c.Subject, timeout: timeout}, make(chan struct{})
		go func() {
			defer close(done[i])
			c.Run(ctx, reports[i])
		}()
	}
	end := make(chan struct{})
	defer time.AfterFunc(timeout+grace, func() { close(end) }).Stop()
	var findings []Finding
	for i := range checks {
		select {
		case <-done[i]:
		case <-end:
		}
		select {
		case <-done[i]:
		default:
			reports[i].Fail(fmt.Sprintf("no answer within %s", timeout), "look whether the server is overloaded or frozen")
		}
		findings = append(findings, reports[i].close()...)
	}
	return findings
}

// Count returns the number of findings of a level.
func Count(findings []Finding, level Level) int {
	n := 0
	for _, f := range findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

// Write writes one line per finding: its level, the subject, the finding, and what to do.
func Write(w io.Writer, findings []Finding) error {
	width := 0
	for _, f := range findings {
		width = max(width, len(f.Subject))
	}
	for _, f := range findings {
		text := f.Text
		if f.Action != "" {
			text += "; " + f.Action
		}
		if _, err := fmt.Fprintf(w, "%-4s  %-*s  %s\n", f.Level, width, f.Subject, printable.Escape(text)); err != nil {
			return err
		}
	}
	return nil
}

// WriteJSON writes one JSON object per finding, each on its own line.
func WriteJSON(w io.Writer, findings []Finding) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, f := range findings {
		if err := encoder.Encode(f); err != nil {
			return err
		}
	}
	return nil
}
