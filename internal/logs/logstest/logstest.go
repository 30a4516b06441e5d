// Package logstest records log lines in tests.
package logstest

import (
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Buffer stores the output of a slog.TextHandler. The zero value is ready to use. It is safe for concurrent use.
type Buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns the output.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Count returns the number of lines that contain text.
func (b *Buffer) Count(text string) (n int) {
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// CheckRepeats reports an error for each warning and error whose message was logged more than once.
func (b *Buffer) CheckRepeats(t testing.TB) {
	t.Helper()
	counts := map[string]int{}
	for _, m := range regexp.MustCompile(`level=(?:WARN|ERROR) msg=("[^"]*"|\S+)`).FindAllStringSubmatch(b.String(), -1) {
		counts[m[1]]++
	}
	for msg, n := range counts {
		if n > 1 {
			t.Errorf("the warning %s is logged %d times, want once", msg, n)
		}
	}
}
