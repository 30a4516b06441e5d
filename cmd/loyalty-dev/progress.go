package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress prints the steps of the start and the stop. It is safe for concurrent use.
type progress struct {
	mu        sync.Mutex
	out       io.Writer
	startedAt time.Time
}

func newProgress(out io.Writer) *progress {
	return &progress{out: out, startedAt: time.Now()}
}

// sayf prints one line: the seconds since the start, then the text.
func (p *progress) sayf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "%5.2f s  %s\n", time.Since(p.startedAt).Seconds(), fmt.Sprintf(format, args...))
}

// show prints text without the time.
func (p *progress) show(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(p.out, text)
}
