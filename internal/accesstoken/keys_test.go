package accesstoken_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// jwksServer serves a JWK Set that can be replaced. It counts the requests and can fail.
type jwksServer struct {
	*httptest.Server
	handler  atomic.Pointer[http.Handler]
	failing  atomic.Bool
	requests atomic.Int32
}

func startJWKSServer(t *testing.T, keys ...ed25519.PublicKey) *jwksServer {
	t.Helper()
	s := &jwksServer{}
	s.setKeys(t, keys...)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if s.failing.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		(*s.handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *jwksServer) setKeys(t *testing.T, keys ...ed25519.PublicKey) {
	t.Helper()
	h, err := accesstoken.JWKS(keys...)
	if err != nil {
		t.Fatal(err)
	}
	s.handler.Store(&h)
}

func newRemoteKeys(t *testing.T, url string) *accesstoken.RemoteKeys {
	t.Helper()
	r, err := accesstoken.NewRemoteKeys(url)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNewRemoteKeysRefusesInvalidURL(t *testing.T) {
	for _, address := range []string{"", "users:8080/jwks.json", "/jwks.json", "ftp://users/jwks.json", "http://"} {
		if _, err := accesstoken.NewRemoteKeys(address); err == nil {
			t.Errorf("NewRemoteKeys(%q) returns no error", address)
		}
	}
}

func TestRemoteKeys(t *testing.T) {
	first, _ := newKey(t)
	second, _ := newKey(t)
	server := startJWKSServer(t, first)
	now := noon
	keys := newRemoteKeys(t, server.URL)
	keys.SetClock(func() time.Time { return now })
	step := func(name string, key ed25519.PublicKey, wantErr error, wantRequests int32) {
		t.Helper()
		got, err := keys.Key(t.Context(), accesstoken.KeyID(key))
		if !errors.Is(err, wantErr) || err == nil && !got.Equal(key) {
			t.Errorf("%s: error %v, want %v", name, err, wantErr)
		}
		if n := server.requests.Load(); n != wantRequests {
			t.Errorf("%s: %d requests so far, want %d", name, n, wantRequests)
		}
	}
	step("first use", first, nil, 1)
	step("known key", first, nil, 1)
	step("unknown key right after a fetch", second, accesstoken.ErrUnknownKey, 1)
	server.setKeys(t, first, second)
	now = now.Add(accesstoken.KeysMinInterval)
	step("new key", second, nil, 2)
	server.setKeys(t, second)
	now = now.Add(accesstoken.KeysMaxAge)
	step("withdrawn key", first, accesstoken.ErrUnknownKey, 3)
	server.failing.Store(true)
	now = now.Add(accesstoken.KeysMaxAge)
	step("known key, server fails", second, nil, 4)
	if _, err := keys.Key(t.Context(), "unknown"); err == nil || errors.Is(err, accesstoken.ErrUnknownKey) {
		t.Errorf("unknown key, server fails: error %v, want the error of the fetch", err)
	}
}

func TestConcurrentCallsShareOneFetch(t *testing.T) {
	key, _ := newKey(t)
	server := startJWKSServer(t, key)
	keys := newRemoteKeys(t, server.URL)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := keys.Key(t.Context(), accesstoken.KeyID(key)); err != nil {
				t.Error(err)
			}
			if _, err := keys.Key(t.Context(), "unknown"); !errors.Is(err, accesstoken.ErrUnknownKey) {
				t.Errorf("unknown key: error %v, want ErrUnknownKey", err)
			}
		})
	}
	wg.Wait()
	if n := server.requests.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestAuthenticateWithoutKeysFails(t *testing.T) {
	_, private := newKey(t)
	token, _ := issue(t, newIssuer(t, private, issuerName, audience))
	server := startJWKSServer(t)
	server.failing.Store(true)
	v := newVerifier(t, newRemoteKeys(t, server.URL), allActive, noon)
	if _, err := v.Authenticate(t.Context(), token); apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("error %v, want DEPENDENCY_UNAVAILABLE", err)
	}
}

func TestRemoteKeysIgnoreUnusableKeys(t *testing.T) {
	const zeroKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for name, body := range map[string]string{
		"not JSON":       "<html>",
		"empty set":      `{"keys":[]}`,
		"RSA key":        `{"keys":[{"kty":"RSA","kid":"k","n":"AQ","e":"AQAB"}]}`,
		"short key":      `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"AAAA"}]}`,
		"encryption key": `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","use":"enc","x":"` + zeroKey + `"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if err := fetchKey(t, body); err == nil {
				t.Error("Key returns no error")
			}
		})
	}
	if err := fetchKey(t, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"`+zeroKey+`"}]}`); err != nil {
		t.Errorf("usable key: %v", err)
	}
}

func TestRemoteKeysRefuseLargeResponse(t *testing.T) {
	body := `{"keys":[]}` + strings.Repeat(" ", accesstoken.KeysMaxBytes)
	if err := fetchKey(t, body); err == nil || !strings.Contains(err.Error(), "exceeds 64 KiB") {
		t.Errorf(`error %v, want "exceeds 64 KiB"`, err)
	}
}

// fetchKey fetches the key with the id "k" from a server with the given JWK Set.
func fetchKey(t *testing.T, jwks string) error {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(jwks)) }))
	defer s.Close()
	_, err := newRemoteKeys(t, s.URL).Key(t.Context(), "k")
	return err
}

// TestKeyID uses the example of RFC 8037, appendix A.3.
func TestRemoteKeysFollowNoRedirects(t *testing.T) {
	key, _ := newKey(t)
	elsewhere := startJWKSServer(t, key)
	redirecting := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	t.Cleanup(redirecting.Close)
	if _, err := newRemoteKeys(t, redirecting.URL).Key(t.Context(), accesstoken.KeyID(key)); err == nil {
		t.Error("a key of another address is accepted")
	}
	if n := elsewhere.requests.Load(); n != 0 {
		t.Errorf("the other address got %d requests, want 0", n)
	}
}

func TestKeyID(t *testing.T) {
	key, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := accesstoken.KeyID(key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"; got != want {
		t.Errorf("KeyID = %s, want %s", got, want)
	}
}

// FuzzParseJWKS checks that every parsed key is complete, and is in the JWK Set that JWKS serves for the parsed keys.
func FuzzParseJWKS(f *testing.F) {
	key, _ := newKey(f)
	f.Add(serveJWKS(f, key))
	f.Add(serveJWKS(f))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"AAAA"},null,{}]}`))
	f.Add([]byte(`{"keys":null}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := accesstoken.ParseJWKS(body)
		if err != nil {
			return
		}
		for kid, key := range keys {
			if kid == "" || len(key) != ed25519.PublicKeySize {
				t.Fatalf("key %q has %d bytes", kid, len(key))
			}
			served, err := accesstoken.ParseJWKS(serveJWKS(t, key))
			if err != nil || !key.Equal(served[accesstoken.KeyID(key)]) {
				t.Errorf("key %q: the served JWK Set has the keys %v, %v", kid, served, err)
			}
		}
	})
}

func serveJWKS(t testing.TB, keys ...ed25519.PublicKey) []byte {
	t.Helper()
	h, err := accesstoken.JWKS(keys...)
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
	return recorder.Body.Bytes()
}

func TestRemoteKeysReady(t *testing.T) {
	key, _ := newKey(t)
	server := startJWKSServer(t, key)
	server.failing.Store(true)
	now := noon
	keys := newRemoteKeys(t, strings.Replace(server.URL, "http://", "http://user:hunter2@", 1)+"/keys?token=hunter3")
	keys.SetClock(func() time.Time { return now })
	for range 3 {
		err := keys.Ready(t.Context())
		if err == nil || !strings.Contains(err.Error(), server.URL+"/keys") || strings.Contains(err.Error(), "hunter") {
			t.Errorf("server failing: Ready = %v, want an error with the address and without secrets", err)
		}
	}
	if n := server.requests.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	server.failing.Store(false)
	now = now.Add(accesstoken.KeysMinInterval)
	if err := keys.Ready(t.Context()); err != nil {
		t.Errorf("server working: Ready = %v, want nil", err)
	}
	server.failing.Store(true)
	now = now.Add(accesstoken.KeysMaxAge)
	if err := keys.Ready(t.Context()); err != nil {
		t.Errorf("server failing again: Ready = %v, want nil, because the keys are known", err)
	}
}

func TestRemoteKeysReadyNamesTheAddress(t *testing.T) {
	server := startJWKSServer(t)
	server.Close()
	err := newRemoteKeys(t, server.URL+"/keys").Ready(t.Context())
	if err == nil || strings.Count(err.Error(), server.URL) != 1 || !strings.Contains(err.Error(), "refused") {
		t.Errorf("Ready = %v, want an error with the address and the reason", err)
	}
}
