package totp_test

import (
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/totp"
)

// secret is the secret of the test vectors in RFC 6238.
var secret = totp.Secret("12345678901234567890")

// TestCode checks the last six digits of the test vectors in RFC 6238, appendix B.
func TestCode(t *testing.T) {
	for unix, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := secret.Code(totp.Step(time.Unix(unix, 0))); got != want {
			t.Errorf("the code at %d is %s, want %s", unix, got, want)
		}
	}
}

func TestMatch(t *testing.T) {
	now := time.Unix(1234567890, 0)
	step := totp.Step(now)
	for name, tt := range map[string]struct {
		code string
		last int64
		want bool
	}{
		"current step":                {secret.Code(step), 0, true},
		"step before":                 {secret.Code(step - 1), 0, true},
		"step after":                  {secret.Code(step + 1), 0, true},
		"two steps before":            {secret.Code(step - 2), 0, false},
		"two steps after":             {secret.Code(step + 2), 0, false},
		"used before":                 {secret.Code(step), step, false},
		"older than a used code":      {secret.Code(step - 1), step, false},
		"newer than a used code":      {secret.Code(step + 1), step, true},
		"wrong":                       {"000000", 0, false},
		"empty":                       {"", 0, false},
		"a code of another secret":    {totp.Secret("12345678901234567891").Code(step), 0, false},
		"a code with a leading space": {" " + secret.Code(step)[1:], 0, false},
	} {
		got, ok := secret.Match(tt.code, now, tt.last)
		if ok != tt.want || ok && secret.Code(got) != tt.code {
			t.Errorf("%s: Match = %d, %t, want %t", name, got, ok, tt.want)
		}
	}
}

func TestURI(t *testing.T) {
	got := secret.URI("Loyalty", "anna+x@example.com")
	want := "otpauth://totp/Loyalty:anna+x@example.com?issuer=Loyalty&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	if got != want {
		t.Errorf("URI = %s, want %s", got, want)
	}
}
