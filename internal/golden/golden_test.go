package golden_test

import (
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/golden"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ before, after, want string }{
		"equal":    {"a\nb\n", "a\nb\n", ""},
		"added":    {"a\nc\n", "a\nb\nc\n", "+2: b"},
		"removed":  {"a\nb\nc\n", "a\nc\n", "-2: b"},
		"replaced": {"a\nb\nc\n", "a\nx\nc\n", "-2: b\n+2: x"},
		"empty":    {"", "a", "-1: \n+1: a"},
	} {
		if got := golden.Diff(tt.before, tt.after); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, tt.want)
		}
	}
	if got := golden.Diff("", strings.Repeat("x\n", 1000)); strings.Count(got, "\n") != 60 {
		t.Errorf("a long difference has %d line breaks, want 60", strings.Count(got, "\n"))
	}
}
