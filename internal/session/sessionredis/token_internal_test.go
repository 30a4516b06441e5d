package sessionredis

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/session"
)

func TestOnlyTheTokenOpensTheSealedPair(t *testing.T) {
	id, s := uuid.New(), NewStore(nil, Key("key"))
	token, err := s.newToken(id, 1)
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.newToken(id, 1)
	if err != nil {
		t.Fatal(err)
	}
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
	f.Add(token{session: uuid.New()}.String())
	f.Add("")
	f.Add("000000000000000\r000000000000000000000000000000000000000000000000")
	f.Add("eyJhbGciOiJFZERTQSJ9.e30.c2ln")
	f.Fuzz(func(t *testing.T, s string) {
		if token, ok := parseToken(s); ok && token.String() != s {
			t.Errorf("%q is parsed as %q", s, token)
		}
		if token, ok := NewStore(nil, Key("key")).authenticToken(s); ok {
			t.Errorf("%q is accepted without a MAC", token)
		}
	})
}

// TestRecordsThatRedisKeepsForLonger reads records that have no time to live any more.
func TestRecordsThatRedisKeepsForLonger(t *testing.T) {
	store, id, now := NewStore(nil, Key("key")), uuid.New(), time.Now()
	for name, tt := range map[string]struct {
		lastUsed, ends time.Time
		want           apperr.Code
	}{
		"active":         {now, now.Add(time.Hour), ""},
		"after its end":  {now, now.Add(-time.Second), apperr.TokenRevoked},
		"unused for 1 d": {now.Add(-session.TTL - 2*clockTolerance), now.Add(time.Hour), apperr.TokenRevoked},
	} {
		stored, err := store.encode(record{Session: session.Session{ID: id, LastUsedAt: tt.lastUsed, Ends: tt.ends}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.decode(id, stored); apperr.CodeOf(err) != tt.want {
			t.Errorf("%s: %v, want code %q", name, err, tt.want)
		}
	}
}
