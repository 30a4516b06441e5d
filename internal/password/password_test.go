package password_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/password"
)

// cheap keeps the tests quick; nothing else depends on it.
var cheap = password.Params{Memory: 64, Passes: 1, Threads: 1}

func newHasher(t testing.TB, p password.Params) *password.Hasher {
	t.Helper()
	h, err := password.New(p)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHashAndVerify(t *testing.T) {
	h := newHasher(t, cheap)
	hash, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("the hash is %q", hash)
	}
	if again, _ := h.Hash(t.Context(), "correct horse"); again == hash {
		t.Error("two hashes of a password are the same: no salt")
	}
	for name, tt := range map[string]struct {
		hash, password string
		want           bool
	}{
		"right":          {hash, "correct horse", true},
		"wrong":          {hash, "correct horsf", false},
		"empty":          {hash, "", false},
		"longer":         {hash, "correct horse ", false},
		"nobody's":       {"", "correct horse", false},
		"nobody's empty": {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := h.Verify(t.Context(), tt.hash, tt.password); err != nil || got != tt.want {
				t.Errorf("got %t, %v; want %t", got, err, tt.want)
			}
		})
	}
}

// TestReference checks a hash that argon2's reference implementation made (password "password", salt "somesalt").
func TestReference(t *testing.T) {
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, err := newHasher(t, cheap).Verify(t.Context(), hash, "password"); err != nil || !ok {
		t.Errorf("got %t, %v", ok, err)
	}
}

func TestOutdated(t *testing.T) {
	h := newHasher(t, cheap)
	hash, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	dearer := newHasher(t, password.Params{Memory: 128, Passes: 1, Threads: 1})
	if h.Outdated(hash) || !dearer.Outdated(hash) {
		t.Error("a hash is outdated exactly when new ones cost something else")
	}
	if ok, err := dearer.Verify(t.Context(), hash, "correct horse"); err != nil || !ok {
		t.Errorf("an outdated hash no longer opens: %t, %v", ok, err)
	}
}

func TestForeignHashes(t *testing.T) {
	h := newHasher(t, cheap)
	for _, hash := range []string{
		"x", "$2a$10$abc", "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
		"$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
		"$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
		"$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
		"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$",
	} {
		if ok, err := h.Verify(t.Context(), hash, "p"); ok || err == nil || strings.Contains(err.Error(), hash) {
			t.Errorf("%s: %t, %v; want an error that does not show it", hash, ok, err)
		}
	}
}

func TestFloodIsBounded(t *testing.T) {
	h := newHasher(t, password.Params{Memory: 8 << 10, Passes: 4, Threads: 1})
	ctx, cancel := context.WithCancel(t.Context())
	flood := 1000 * runtime.GOMAXPROCS(0) // far more than may wait, and seconds of work
	errs := make(chan error, flood)
	for range flood {
		go func() {
			_, err := h.Hash(ctx, "correct horse")
			errs <- err
		}()
	}
	refused := 0
	for range flood {
		switch err := <-errs; {
		case apperr.CodeOf(err) == apperr.RateLimited:
			refused++
			cancel() // those who wait go home
		case err != nil && !errors.Is(err, context.Canceled):
			t.Error(err)
		}
	}
	cancel()
	if refused == 0 {
		t.Errorf("none of %d at once was refused", flood)
	}
	if _, err := h.Hash(t.Context(), "correct horse"); err != nil {
		t.Errorf("after the flood: %v", err)
	}
}

func TestParams(t *testing.T) {
	for _, p := range []password.Params{{}, {Memory: 7, Passes: 1, Threads: 1}, {Memory: 64, Passes: 1}, {Memory: 2 << 20, Passes: 1, Threads: 1}} {
		if _, err := password.New(p); err == nil {
			t.Errorf("%+v was taken", p)
		}
	}
	newHasher(t, password.Default())
}

func FuzzVerify(f *testing.F) {
	h := newHasher(f, cheap)
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA")
	f.Add("$argon2id$v=19$m=64,t=1,p=1")
	f.Fuzz(func(t *testing.T, hash string) {
		if strings.Contains(hash, "m=") && len(hash) > 20 && !strings.Contains(hash, "m=64,t=1,p=1") {
			return // dear ones would only take long
		}
		if ok, _ := h.Verify(context.Background(), hash, "\x00nobody's"); ok {
			t.Errorf("%q opens", hash)
		}
	})
}
