package session_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/session"
)

func TestNewClientCleansTheUserAgent(t *testing.T) {
	address := netip.MustParseAddr("192.0.2.1")
	for in, want := range map[string]string{
		"":                                "",
		"Mozilla/5.0 (X11; Linux)":        "Mozilla/5.0 (X11; Linux)",
		" a\x00b\nc\x1b[31m\u202e\u200b ": "abc[31m",
		"a\xff\xfeb":                      "ab",
		"Gr\u00fc\u00dfe \U0001f40e":      "Gr\u00fc\u00dfe \U0001f40e",
		strings.Repeat("a", 1<<20):        strings.Repeat("a", 256),
		strings.Repeat("\u20ac", 100):     strings.Repeat("\u20ac", 85),
	} {
		if got := session.NewClient(address, in); got != (session.Client{Address: address, UserAgent: want}) {
			t.Errorf("NewClient(%.40q) = %q, want %q", in, got.UserAgent, want)
		}
	}
}
