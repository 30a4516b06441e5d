package sdk_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// expiring is a transport whose access tokens can expire before their time: it replaces a token with one that the platform's
// key has signed and that is the same but for its expiry.
type expiring struct {
	key ed25519.PrivateKey

	mu      sync.Mutex
	armed   bool   // the next token expires
	expired string // the token that has expired
	count   int    // requests with an expired token
}

func newExpiring(t *testing.T, p *platform) *expiring {
	t.Helper()
	encoded, err := os.ReadFile(filepath.Join(p.data, "secrets", "token-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(encoded)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		t.Fatalf("the platform's key is a %T", parsed)
	}
	return &expiring{key: key}
}

// expire makes the token of the next request expire.
func (e *expiring) expire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.armed = true
}

// RoundTrip implements http.RoundTripper.
func (e *expiring) RoundTrip(r *http.Request) (*http.Response, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	e.mu.Lock()
	if ok && e.armed {
		e.armed, e.expired = false, token
	}
	replace := ok && token == e.expired
	if replace {
		e.count++
	}
	e.mu.Unlock()
	if replace {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+e.forge(token))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// forge returns the token with an expiry in the past.
func (e *expiring) forge(token string) string {
	parts := strings.Split(token, ".")
	decoded, _ := base64.RawURLEncoding.DecodeString(parts[1])
	claims := map[string]any{}
	_ = json.Unmarshal(decoded, &claims)
	claims["iat"], claims["exp"] = 1699999400, 1700000000
	encoded, _ := json.Marshal(claims)
	signed := parts[0] + "." + base64.RawURLEncoding.EncodeToString(encoded)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(e.key, []byte(signed)))
}
