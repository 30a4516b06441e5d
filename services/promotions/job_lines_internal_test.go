package promotions

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestParseLineRefusesControlCharacters(t *testing.T) {
	t.Parallel()
	for line, malformed := range map[string]bool{
		"a@example.com": false, "a\x00b@example.com": true, "a@exam\x1bple.com": true, "a@example\u0085.com": true, "\x00": true,
		uuid.Max.String(): false,
	} {
		p, ok := parseLine(line + "\n")
		if !ok || p.Malformed != malformed || strings.Contains(p.Given, "\x00") {
			t.Errorf("%q: got %+v, %t, want malformed to be %t", line, p, ok, malformed)
		}
	}
}
