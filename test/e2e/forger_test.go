package e2e_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"strings"
	"testing"
)

// tamper changes the expiry of a token without changing the signature.
func tamper(token string) string {
	parts := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "x"
	}
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), `"exp":1`, `"exp":2`, 1)))
	return strings.Join(parts, ".")
}

// algNone replaces the algorithm of a token with "none" and removes the signature.
func algNone(token string) string {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`))
	return header + "." + strings.Split(token, ".")[1] + "."
}

// forger signs tokens with the platform's key, so that tests can send tokens with a valid signature and invalid content.
type forger struct {
	t   *testing.T
	key ed25519.PrivateKey
}

func newForger(t *testing.T, p platform) forger {
	t.Helper()
	encoded, err := os.ReadFile(p.tokenKey)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(encoded)
	if block == nil {
		t.Fatal("the platform's key is not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		t.Fatalf("the platform's key is a %T, want an ed25519.PrivateKey", key)
	}
	return forger{t, private}
}

// forge returns a token with changed members in its header and its claims. A nil value removes a member.
func (f forger) forge(token string, header, claims object) string {
	f.t.Helper()
	parts := strings.Split(token, ".")
	signed := f.with(parts[0], header) + "." + f.with(parts[1], claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(f.key, []byte(signed)))
}

// with returns a part of a token with changed members.
func (f forger) with(part string, changes object) string {
	f.t.Helper()
	decoded, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		f.t.Fatal(err)
	}
	members := object{}
	if err := json.Unmarshal(decoded, &members); err != nil {
		f.t.Fatal(err)
	}
	maps.Copy(members, changes)
	maps.DeleteFunc(members, func(_ string, value any) bool { return value == nil })
	encoded, err := json.Marshal(members)
	if err != nil {
		f.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(encoded)
}
