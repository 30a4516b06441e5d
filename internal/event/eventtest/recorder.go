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

// Recorder is a handler that remembers what it was given and judges the order. It may be shared by the members of a
// group. Its events are numbered per key from 0 on, the number being in their ID ("key/number#…").
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

// Handle records a delivery that succeeds.
func (r *Recorder) Handle(_ context.Context, e event.Event) error {
	r.record(e)
	return nil
}

// Enter notes that e is being handled, and a fault if another event of its key is. The caller calls leave.
func (r *Recorder) Enter(e event.Event) (leave func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[e.Key] {
		r.faults = append(r.faults, fmt.Sprintf("two events of key %s were handled at once", e.Key))
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
		// A redelivery may go back, but nothing may be skipped.
		if n > r.next[e.Key] {
			r.faults = append(r.faults, fmt.Sprintf("key %s: %d came when %d was due", e.Key, n, r.next[e.Key]))
		}
		r.next[e.Key] = max(r.next[e.Key], n+1)
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

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

// Distinct is how many different events came.
func (r *Recorder) Distinct() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.count)
}

// Wait waits until n different events have come, and fails the test if they do not come in time.
func (r *Recorder) Wait(t *testing.T, n int) {
	t.Helper()
	timeout := time.After(Patience)
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
			t.Fatalf("%d different events came, want %d", got, n)
		}
	}
}

// Check fails the test for each fault: an event skipped, or two of a key at once.
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
