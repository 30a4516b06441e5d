package date_test

import (
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/date"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"2025-01-01", "0001-01-01", "9999-12-31", "2024-02-29", "1969-12-31"} {
		d, err := date.Parse(in)
		if err != nil || d.String() != in || d.IsZero() {
			t.Errorf("Parse(%q) = %v, %v", in, d, err)
		}
	}
	for _, in := range []string{"", "2025-02-29", "2025-1-1", "0000-01-01", "2025-01-01T00:00:00Z", "x"} {
		if d, err := date.Parse(in); err == nil {
			t.Errorf("Parse(%q) = %v; want an error", in, d)
		}
	}
}

func TestOfReturnsTheDayInUTC(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("UTC+5", 5*3600)
	got := date.Of(time.Date(2025, 3, 10, 2, 0, 0, 0, zone))
	if got.String() != "2025-03-09" {
		t.Errorf("got %v, want 2025-03-09", got)
	}
	if next := got.AddDays(1); !next.After(got) || next.String() != "2025-03-10" {
		t.Errorf("the next day is %v, want 2025-03-10", next)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("2024-02-29")
	f.Add("0000-12-31")
	f.Add("2025-1-1")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := date.Parse(s)
		if err == nil && (d.IsZero() || d.String() != s || date.Of(d.Time()) != d) {
			t.Errorf("Parse(%q) = %v, which starts at %v", s, d, d.Time())
		}
	})
}
