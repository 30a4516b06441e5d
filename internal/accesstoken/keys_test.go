package accesstoken_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// publisher serves a JWK Set that can be exchanged, counts the requests, and can be away.
type publisher struct {
	*httptest.Server
	document atomic.Pointer[http.Handler]
	away     atomic.Bool
	requests atomic.Int32
}

func publish(t *testing.T, keys ...ed25519.PublicKey) *publisher {
	t.Helper()
	p := &publisher{}
	p.set(t, keys...)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.requests.Add(1)
		if p.away.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		(*p.document.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) set(t *testing.T, keys ...ed25519.PublicKey) {
	t.Helper()
	h, err := accesstoken.JWKS(keys...)
	if err != nil {
		t.Fatal(err)
	}
	p.document.Store(&h)
}

func remoteKeys(t *testing.T, url string) *accesstoken.RemoteKeys {
	t.Helper()
	r, err := accesstoken.NewRemoteKeys(url)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRemoteKeysNeedAURL(t *testing.T) {
	for _, address := range []string{"", "users:8080/jwks.json", "/jwks.json", "ftp://users/jwks.json", "http://"} {
		if _, err := accesstoken.NewRemoteKeys(address); err == nil {
			t.Errorf("%q is taken", address)
		}
	}
}

func TestRemoteKeys(t *testing.T) {
	first, _ := newKey(t)
	second, _ := newKey(t)
	p := publish(t, first)
	now := noon
	r := remoteKeys(t, p.URL)
	r.SetClock(func() time.Time { return now })
	step := func(what string, key ed25519.PublicKey, wantErr error, wantRequests int32) {
		t.Helper()
		got, err := r.Key(t.Context(), accesstoken.KeyID(key))
		if !errors.Is(err, wantErr) || err == nil && !got.Equal(key) {
			t.Errorf("%s: %v, want %v", what, err, wantErr)
		}
		if n := p.requests.Load(); n != wantRequests {
			t.Errorf("%s: %d requests so far, want %d", what, n, wantRequests)
		}
	}
	step("first use", first, nil, 1)
	step("known", first, nil, 1)
	step("unknown, just read", second, accesstoken.ErrUnknownKey, 1)
	p.set(t, first, second)
	now = now.Add(accesstoken.KeysMinAge)
	step("published meanwhile", second, nil, 2)
	p.set(t, second)
	now = now.Add(accesstoken.KeysMaxAge)
	step("withdrawn", first, accesstoken.ErrUnknownKey, 3)
	p.away.Store(true)
	now = now.Add(accesstoken.KeysMaxAge)
	step("known, publisher away", second, nil, 4)
	if _, err := r.Key(t.Context(), "another"); err == nil || errors.Is(err, accesstoken.ErrUnknownKey) {
		t.Errorf("unknown, publisher away: %v, want an error that says so", err)
	}
}

func TestRemoteKeysAreFetchedOnce(t *testing.T) {
	key, _ := newKey(t)
	p := publish(t, key)
	r := remoteKeys(t, p.URL)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := r.Key(t.Context(), accesstoken.KeyID(key)); err != nil {
				t.Error(err)
			}
			if _, err := r.Key(t.Context(), "unknown"); !errors.Is(err, accesstoken.ErrUnknownKey) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := p.requests.Load(); n != 1 {
		t.Errorf("%d requests, want one", n)
	}
}

func TestIssuerAway(t *testing.T) {
	_, private := newKey(t)
	token, _ := issue(t, newIssuer(t, private, issuerName, audience))
	p := publish(t)
	p.away.Store(true)
	v := newVerifier(t, remoteKeys(t, p.URL), allActive, noon)
	if _, err := v.Authenticate(t.Context(), token); apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("got %v, want DEPENDENCY_UNAVAILABLE", err)
	}
}

func TestForeignDocuments(t *testing.T) {
	for name, body := range map[string]string{
		"not JSON":     "<html>",
		"empty set":    `{"keys":[]}`,
		"another kind": `{"keys":[{"kty":"RSA","kid":"k","n":"AQ","e":"AQAB"}]}`,
		"short key":    `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"AAAA"}]}`,
		"for secrecy":  `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","use":"enc","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
			defer s.Close()
			if _, err := remoteKeys(t, s.URL).Key(t.Context(), "k"); err == nil {
				t.Error("a key was taken from it")
			}
		})
	}
}

// TestKeyID checks the example of RFC 8037, appendix A.3.
func TestKeyID(t *testing.T) {
	key, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	if got := accesstoken.KeyID(key); got != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("got %s", got)
	}
}
