package password_test

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/password"
)

// cheap are parameters that keep the tests fast.
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
		t.Errorf("hash %q does not begin with the parameters", hash)
	}
	if again, _ := h.Hash(t.Context(), "correct horse"); again == hash {
		t.Error("two hashes of one password are equal: the salt is missing")
	}
	for name, tt := range map[string]struct {
		hash, password string
		want           bool
	}{
		"right password":          {hash, "correct horse", true},
		"wrong password":          {hash, "correct horsf", false},
		"empty password":          {hash, "", false},
		"trailing space":          {hash, "correct horse ", false},
		"no user":                 {"", "correct horse", false},
		"no user, empty password": {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := h.Verify(t.Context(), tt.hash, tt.password); err != nil || got != tt.want {
				t.Errorf("Verify = %t, %v; want %t", got, err, tt.want)
			}
		})
	}
}

// The hash is a test vector of the Argon2 reference implementation for the password "password" and the salt "somesalt".
func TestVerifyReferenceHash(t *testing.T) {
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, err := newHasher(t, cheap).Verify(t.Context(), hash, "password"); err != nil || !ok {
		t.Errorf("Verify = %t, %v; want true", ok, err)
	}
}

func TestOutdated(t *testing.T) {
	h := newHasher(t, cheap)
	hash, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	costlier := newHasher(t, password.Params{Memory: 128, Passes: 1, Threads: 1})
	if h.Outdated(hash) {
		t.Error("a hash with the hasher's own parameters is outdated")
	}
	if !costlier.Outdated(hash) {
		t.Error("a hash with other parameters is not outdated")
	}
	if !h.Outdated("") {
		t.Error("a malformed hash is not outdated")
	}
	if ok, err := costlier.Verify(t.Context(), hash, "correct horse"); err != nil || !ok {
		t.Errorf("outdated hash: Verify = %t, %v; want true", ok, err)
	}
}

func TestVerifyRefusesMalformedHashes(t *testing.T) {
	h := newHasher(t, cheap)
	for _, hash := range []string{
		"x", "$2a$10$abc", "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
		"$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
		"$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
		"$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
		"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$",
	} {
		if ok, err := h.Verify(t.Context(), hash, "p"); ok || err == nil || strings.Contains(err.Error(), hash) {
			t.Errorf("%s: Verify = %t, %v; want an error without the hash", hash, ok, err)
		}
	}
}

func TestTooManyConcurrentHashesAreRateLimited(t *testing.T) {
	h := newHasher(t, password.Params{Memory: 8 << 10, Passes: 4, Threads: 1})
	ctx, cancel := context.WithCancel(t.Context())
	calls := 1000 * runtime.GOMAXPROCS(0) // far more than can wait; all of them together would take seconds
	errs := make(chan error, calls)
	for range calls {
		go func() {
			_, err := h.Hash(ctx, "correct horse")
			errs <- err
		}()
	}
	limited := 0
	for range calls {
		switch err := <-errs; {
		case apperr.CodeOf(err) == apperr.RateLimited:
			limited++
			cancel() // ends the waiting calls
		case err != nil && !errors.Is(err, context.Canceled):
			t.Error(err)
		}
	}
	cancel()
	if limited == 0 {
		t.Errorf("none of %d concurrent calls was rate-limited", calls)
	}
	if _, err := h.Hash(t.Context(), "correct horse"); err != nil {
		t.Errorf("Hash after the load: %v", err)
	}
}

func TestNewRefusesInvalidParams(t *testing.T) {
	for _, p := range []password.Params{{}, {Memory: 7, Passes: 1, Threads: 1}, {Memory: 64, Passes: 1}, {Memory: 2 << 20, Passes: 1, Threads: 1}} {
		if _, err := password.New(p); err == nil {
			t.Errorf("New(%+v) returns no error", p)
		}
	}
}

func TestDefaultIsValid(t *testing.T) {
	if err := password.Default().Validate(); err != nil {
		t.Error(err)
	}
}

// FuzzVerify checks that no hash matches a random password, and that Verify does not panic.
func FuzzVerify(f *testing.F) {
	h := newHasher(f, cheap)
	secret := rand.Text()
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA")
	f.Add("$argon2id$v=19$m=64,t=1,p=1")
	f.Fuzz(func(t *testing.T, hash string) {
		if strings.Contains(hash, "m=") && len(hash) > 20 && !strings.Contains(hash, "m=64,t=1,p=1") {
			return // other parameters take too long
		}
		if ok, _ := h.Verify(context.Background(), hash, secret); ok {
			t.Errorf("%q matches a random password", hash)
		}
	})
}
