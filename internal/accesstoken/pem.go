package accesstoken

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// The PEM blocks of keys: PKCS #8 (RFC 5958) and SubjectPublicKeyInfo (RFC 5280).
const (
	privateBlock = "PRIVATE KEY"
	publicBlock  = "PUBLIC KEY"
)

// EncodeKey writes a signing key as ParseKey reads it.
func EncodeKey(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der}), nil
}

// ParseKey reads a signing key: an Ed25519 private key, PKCS #8 in PEM. Its errors do not show the text.
func ParseKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("is no PEM")
	}
	return parseKey(block)
}

func parseKey(block *pem.Block) (ed25519.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("is no PKCS#8 private key")
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("is a key of type %T; an Ed25519 key is needed", parsed)
	}
	return key, nil
}

// ParsePublicKeys reads Ed25519 keys in PEM, one after the other, public ones or private ones of which the public half is
// meant. Its errors do not show the text.
func ParsePublicKeys(text []byte) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		key, err := parsePublicKey(block)
		if err != nil {
			return nil, fmt.Errorf("key %d %w", len(keys)+1, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no PEM")
	}
	return keys, nil
}

func parsePublicKey(block *pem.Block) (ed25519.PublicKey, error) {
	if block.Type == privateBlock {
		private, err := parseKey(block)
		if err != nil {
			return nil, err
		}
		public, _ := private.Public().(ed25519.PublicKey)
		return public, nil
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if block.Type != publicBlock || err != nil {
		return nil, errors.New("is no public key")
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("is a key of type %T; an Ed25519 key is needed", parsed)
	}
	return key, nil
}
