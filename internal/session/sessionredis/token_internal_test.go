package sessionredis

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/session"
)

func TestOnlyTheTokenOpensTheSealedPair(t *testing.T) {
	id := uuid.New()
	token, other := newToken(id), newToken(id)
	pair := session.Pair{Access: session.Access{Token: "access", Expires: time.Unix(1e9, 0).UTC()}, Refresh: "refresh"}
	sealed, err := token.seal(pair)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := token.open([]byte(sealed)); err != nil || got != pair {
		t.Errorf("open = %+v, %v; want %+v", got, err, pair)
	}
	if got, err := other.open([]byte(sealed)); err == nil {
		t.Errorf("another token of the session opens the pair: %+v", got)
	}
	if got, err := token.open([]byte(sealed[:len(sealed)-1])); err == nil {
		t.Errorf("a truncated pair opens: %+v", got)
	}
}

// FuzzParseToken checks that a token has only one text form.
func FuzzParseToken(f *testing.F) {
	f.Add(newToken(uuid.New()).String())
	f.Add("")
	f.Add("000000000000000\r000000000000000000000000000000000000000000000000")
	f.Add("eyJhbGciOiJFZERTQSJ9.e30.c2ln")
	f.Fuzz(func(t *testing.T, s string) {
		if token, ok := parseToken(s); ok && token.String() != s {
			t.Errorf("%q is parsed as %q", s, token)
		}
	})
}
