package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress tells people what happens while the program starts and stops. It is safe for concurrent use.
type progress struct {
	mu    sync.Mutex
	out   io.Writer
	begun time.Time
}

func newProgress(out io.Writer) *progress {
	return &progress{out: out, begun: time.Now()}
}

// sayf prints one line, with the time since the start before it.
func (p *progress) sayf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "%5.2f s  %s\n", time.Since(p.begun).Seconds(), fmt.Sprintf(format, args...))
}

// show prints text as it is.
func (p *progress) show(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(p.out, text)
}
