package eventtest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// Recorder is a handler that records deliveries and checks their order. It expects IDs of the form "key/number#…", with
// consecutive numbers per key that start at 0. The members of a group can share a Recorder. It is safe for concurrent use.
type Recorder struct {
	mu      sync.Mutex
	seen    []event.Event
	count   map[string]int
	next    map[string]int
	busy    map[string]bool
	faults  []string
	changed chan struct{}
}

// NewRecorder returns an empty recorder.
func NewRecorder() *Recorder {
	return &Recorder{
		count:   make(map[string]int),
		next:    make(map[string]int),
		busy:    make(map[string]bool),
		changed: make(chan struct{}),
	}
}

// Handle records a delivery and returns nil.
func (r *Recorder) Handle(_ context.Context, e event.Event) error {
	r.record(e)
	return nil
}

// Enter records that a handler starts to handle e. It records a fault if another handler is running for the same key. The
// handler must call leave when it ends.
func (r *Recorder) Enter(e event.Event) (leave func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[e.Key] {
		r.faults = append(r.faults, fmt.Sprintf("two events of key %s were handled concurrently", e.Key))
	}
	r.busy[e.Key] = true
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.busy[e.Key] = false
	}
}

func (r *Recorder) record(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, e)
	r.count[e.ID]++
	if n, ok := number(e.ID); ok {
		// A redelivery may repeat numbers, but no number may be skipped.
		if n > r.next[e.Key] {
			r.faults = append(r.faults, fmt.Sprintf("key %s: event %d was delivered before event %d", e.Key, n, r.next[e.Key]))
		}
		r.next[e.Key] = max(r.next[e.Key], n+1)
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// number returns the number in an ID of the form "key/number#…". It returns false for other IDs.
func number(id string) (int, bool) {
	id, _, ok := strings.Cut(id, "#")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(id[strings.LastIndexByte(id, '/')+1:])
	return n, err == nil
}

// Seen returns the deliveries so far.
func (r *Recorder) Seen() []event.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]event.Event(nil), r.seen...)
}

// Distinct returns the number of distinct events so far.
func (r *Recorder) Distinct() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.count)
}

// Wait waits until n distinct events were delivered. It fails the test after Timeout.
func (r *Recorder) Wait(t *testing.T, n int) {
	t.Helper()
	timeout := time.After(Timeout)
	for {
		r.mu.Lock()
		got, changed := len(r.count), r.changed
		r.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			r.Check(t)
			t.Fatalf("%d different events were delivered, want %d", got, n)
		}
	}
}

// Check reports a test error for each fault: a skipped event, or concurrent handlers for one key.
func (r *Recorder) Check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, fault := range r.faults {
		if i == 10 {
			t.Errorf("… %d more", len(r.faults)-i)
			break
		}
		t.Error(fault)
	}
}
