package printable_test

import (
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/printable"
)

func TestEscape(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                      "",
		"plain text":            "plain text",
		"für 👍 été":             "für 👍 été",
		`back\slash "quoted"`:   `back\slash "quoted"`,
		"\x1b]0;title\a":        `\x1b]0;title\a`,
		"\u009b31m":             `\u009b31m`,
		"two\nlines\r":          `two\nlines\r`,
		"over\u202eride":        `over\u202eride`,
		"zero\u200bwidth":       `zero\u200bwidth`,
		"invalid \xff":          `invalid \xff`,
		"replacement \ufffd":    "replacement \ufffd",
		"delete\x7f, nul\x00":   `delete\x7f, nul\x00`,
		"no-break\u00a0space":   `no-break\u00a0space`,
		"tag\U000e0041, \t tab": `tag\U000e0041, \t tab`,
	} {
		if got := printable.Escape(given); got != want {
			t.Errorf("Escape(%q) = %s, want %s", given, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"1234":                 "1234",
		"12345":                "1234…",
		"123ä":                 "123…",
		"\x1b[31m":             `\x1b[31…`,
		"üüü":                  "üü…",
		"\xff\xff":             `\xff\xff`,
		"\x80\x80\x80\x80\x80": "…",
	} {
		if got := printable.Clip(given, 4); got != want {
			t.Errorf("Clip(%q, 4) = %s, want %s", given, got, want)
		}
	}
}

func FuzzClip(f *testing.F) {
	f.Add("a\x1b\u202e\xff", 3)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got := printable.Clip(s, max(0, limit))
		if strings.ContainsAny(got, "\x1b\n\r\u202e\x00") || printable.Escape(got) != got {
			t.Errorf("Clip(%q, %d) = %q, which is not printable", s, limit, got)
		}
	})
}
