package accesstoken_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
)

func encodePrivateKey(t testing.TB, key ed25519.PrivateKey) []byte {
	t.Helper()
	text, err := accesstoken.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func encodePublicKey(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return block("PUBLIC KEY", der)
}

func block(kind string, content []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
}

func TestParsePrivateKey(t *testing.T) {
	t.Parallel()
	_, private := newKey(t)
	got, err := accesstoken.ParsePrivateKey(encodePrivateKey(t, private))
	if err != nil || !got.Equal(private) {
		t.Errorf("the parsed key differs from the encoded key; error %v", err)
	}
}

func TestParsePublicKeys(t *testing.T) {
	t.Parallel()
	first, private := newKey(t)
	second, _ := newKey(t)
	text := append(encodePrivateKey(t, private), encodePublicKey(t, second)...)
	keys, err := accesstoken.ParsePublicKeys(text)
	if err != nil || len(keys) != 2 || !keys[0].Equal(first) || !keys[1].Equal(second) {
		t.Errorf("got %v, %v; want %v and %v", keys, err, first, second)
	}
}

func TestParseRefusesInvalidPEM(t *testing.T) {
	t.Parallel()
	_, private := newKey(t)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecPKCS8, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "hunter2hunter2"
	for name, tt := range map[string]struct {
		text []byte
		want string
	}{
		"empty":                       {nil, "PEM"},
		"not PEM":                     {[]byte(secret), "PEM"},
		"not PKCS #8":                 {block("PRIVATE KEY", []byte(secret)), "PKCS #8"},
		"ECDSA private key":           {block("PRIVATE KEY", ecPKCS8), "not ECDSA"},
		"encrypted private key":       {block("ENCRYPTED PRIVATE KEY", []byte(secret)), "encrypted"},
		"private key of another type": {block("EC PRIVATE KEY", pkcs8), "PKCS #8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, privateErr := accesstoken.ParsePrivateKey(tt.text)
			_, publicErr := accesstoken.ParsePublicKeys(tt.text)
			for _, err := range []error{privateErr, publicErr} {
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), secret) {
					t.Errorf("error %v, want an error with %q and without the key", err, tt.want)
				}
			}
		})
	}
}

func TestParsePublicKeysRefusesInvalidKeys(t *testing.T) {
	t.Parallel()
	public, private := newKey(t)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	valid := encodePrivateKey(t, private)
	for name, tt := range map[string]struct {
		text []byte
		want string
	}{
		"key bytes alone":    {block("PUBLIC KEY", public), "key 1 must be a public key"},
		"ECDSA public key":   {encodePublicKey(t, &ec.PublicKey), "not ECDSA"},
		"second key damaged": {append(bytes.Clone(valid), block("PUBLIC KEY", public)...), "key 2 must be a public key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := accesstoken.ParsePublicKeys(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzParsePEM checks that a parsed private key can be encoded and parsed again, and that all parsed public keys are complete.
func FuzzParsePEM(f *testing.F) {
	public, private := newKey(f)
	f.Add(encodePrivateKey(f, private))
	f.Add(encodePublicKey(f, public))
	f.Add(append(encodePrivateKey(f, private), encodePublicKey(f, public)...))
	f.Add(block("PUBLIC KEY", public))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if keys, err := accesstoken.ParsePublicKeys(text); err == nil {
			for i, key := range keys {
				if len(key) != ed25519.PublicKeySize {
					t.Errorf("public key %d has %d bytes", i+1, len(key))
				}
			}
		}
		key, err := accesstoken.ParsePrivateKey(text)
		if err != nil {
			return
		}
		encoded := encodePrivateKey(t, key)
		if again, err := accesstoken.ParsePrivateKey(encoded); err != nil || !again.Equal(key) {
			t.Errorf("the key differs after encoding; error %v", err)
		}
		keys, err := accesstoken.ParsePublicKeys(encoded)
		if err != nil || len(keys) != 1 || !keys[0].Equal(key.Public()) {
			t.Errorf("ParsePublicKeys of the private key = %v, %v; want its public key", keys, err)
		}
	})
}
