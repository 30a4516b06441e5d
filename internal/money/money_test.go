package money_test

import (
	"testing"

	"github.com/casino-loyalty/loyalty/internal/money"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"20": "20.00", "20.5": "20.50", "20.00": "20.00", "0": "0.00", "0.01": "0.01", "007": "7.00",
		"9999999999999999.99": "9999999999999999.99",
	} {
		got, err := money.Parse(in)
		if err != nil || got.String() != want {
			t.Errorf("Parse(%q) = %v, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", ".", "1.", ".5", "1.234", "-1", "+1", "1e3", "NaN", "Inf", "1,000.00", " 1", "1 ", "0x10", "١", "1.0.0",
		"10000000000000000.00", "99999999999999999999",
	} {
		if got, err := money.Parse(in); err == nil {
			t.Errorf("Parse(%q) = %v; want an error", in, got)
		}
	}
}

func TestStringAndScan(t *testing.T) {
	t.Parallel()
	for a, want := range map[money.Amount]string{-5: "-0.05", -250: "-2.50", 0: "0.00"} {
		if got := a.String(); got != want {
			t.Errorf("%d.String() = %s, want %s", int64(a), got, want)
		}
		var back money.Amount
		if err := back.Scan(want); err != nil || back != a {
			t.Errorf("Scan(%q) = %v, %v; want %v", want, back, err, a)
		}
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	if _, err := money.Max.Add(1); err == nil {
		t.Error("Max + 1: got no error")
	}
	if got, err := money.Amount(100).Add(-250); err != nil || got != -150 {
		t.Errorf("1.00 - 2.50 = %v, %v; want -1.50", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("20.5")
	f.Add("1e3")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := money.Parse(s)
		if err != nil {
			return
		}
		back, err := money.Parse(a.String())
		if err != nil || back != a {
			t.Errorf("Parse(%q) = %v, but Parse(%q) = %v, %v", s, a, a, back, err)
		}
	})
}
