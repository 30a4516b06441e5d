package main

import (
	"regexp"
	"testing"
)

func TestAmountPattern(t *testing.T) {
	t.Parallel()
	limited, all := amountPattern("0.01", "1000000000.00"), amountPattern("0", "")
	for amount, want := range map[string]struct{ limited, all bool }{
		"0.01": {true, true}, "0.1": {true, true}, "0.10": {true, true}, "1": {true, true}, "20.5": {true, true}, "20.00": {true, true},
		"007": {true, true}, "00.05": {true, true}, "999999999.99": {true, true}, "1000000000": {true, true}, "1000000000.00": {true, true},
		"0": {false, true}, "0.0": {false, true}, "0.00": {false, true}, "00": {false, true},
		"1000000000.01": {false, true}, "1000000001": {false, true}, "9999999999": {false, true},
		"": {}, "-1": {}, "+1": {}, "1.": {}, ".5": {}, "1.005": {}, "1e2": {}, " 1": {}, "1\n": {}, "\u0661": {},
	} {
		if got := regexp.MustCompile(limited).MatchString(amount); got != want.limited {
			t.Errorf("%q matches %s = %t, want %t", amount, limited, got, want.limited)
		}
		if got := regexp.MustCompile(all).MatchString(amount); got != want.all {
			t.Errorf("%q matches %s = %t, want %t", amount, all, got, want.all)
		}
	}
}
