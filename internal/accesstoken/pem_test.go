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

func TestKeysInPEM(t *testing.T) {
	t.Parallel()
	public, private := newKey(t)
	text, err := accesstoken.EncodeKey(private)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := accesstoken.ParseKey(text); err != nil || !got.Equal(private) {
		t.Errorf("the key comes back with %v", err)
	}
	other, _ := newKey(t)
	der, err := x509.MarshalPKIXPublicKey(other)
	if err != nil {
		t.Fatal(err)
	}
	spki := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	keys, err := accesstoken.ParsePublicKeys(append(bytes.Clone(text), spki...))
	if err != nil || len(keys) != 2 || !keys[0].Equal(public) || !keys[1].Equal(other) {
		t.Errorf("%d public keys, %v", len(keys), err)
	}
}

func TestKeysInPEMThatAreNone(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, content []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
	}
	for want, text := range map[string][]byte{
		"no PEM":           []byte("hunter2hunter2"),
		"no PKCS#8":        block("PRIVATE KEY", []byte("hunter2hunter2")),
		"ecdsa.PrivateKey": block("PRIVATE KEY", der),
	} {
		_, err := accesstoken.ParseKey(text)
		_, err2 := accesstoken.ParsePublicKeys(text)
		for _, err := range []error{err, err2} {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %q", err, want)
			}
		}
	}
	if _, err := accesstoken.ParsePublicKeys(block("PUBLIC KEY", make([]byte, ed25519.PublicKeySize))); err == nil {
		t.Error("a public key without its frame is taken")
	}
}
