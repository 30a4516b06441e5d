package accesstoken

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// The types of PEM blocks that hold keys: PKCS #8 (RFC 5958) and SubjectPublicKeyInfo (RFC 5280).
const (
	privateBlock   = "PRIVATE KEY"
	publicBlock    = "PUBLIC KEY"
	encryptedBlock = "ENCRYPTED PRIVATE KEY" // not supported
)

// EncodePrivateKey returns key in PEM (PKCS #8).
func EncodePrivateKey(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der}), nil
}

// ParsePrivateKey returns the first key in text: an Ed25519 private key in PEM (PKCS #8). The error completes a sentence
// that begins with the name of a setting or file. It does not contain the text.
func ParsePrivateKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("must be in PEM")
	}
	return parsePrivateBlock(block)
}

func parsePrivateBlock(block *pem.Block) (ed25519.PrivateKey, error) {
	if block.Type == encryptedBlock || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("must not be encrypted with a password")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if block.Type != privateBlock || err != nil {
		return nil, errors.New("must be a PKCS #8 private key")
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, notEd25519(parsed)
	}
	return key, nil
}

// ParsePublicKeys returns the Ed25519 keys in text, a sequence of PEM blocks with public keys (SubjectPublicKeyInfo) or
// private keys (PKCS #8), whose public key it returns. Its errors are as those of ParsePrivateKey.
func ParsePublicKeys(text []byte) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		key, err := parsePublicBlock(block)
		if err != nil {
			return nil, fmt.Errorf("key %d %w", len(keys)+1, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("must be in PEM")
	}
	return keys, nil
}

func parsePublicBlock(block *pem.Block) (ed25519.PublicKey, error) {
	if block.Type == privateBlock || block.Type == encryptedBlock {
		private, err := parsePrivateBlock(block)
		if err != nil {
			return nil, err
		}
		public, _ := private.Public().(ed25519.PublicKey)
		return public, nil
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if block.Type != publicBlock || err != nil {
		return nil, errors.New("must be a public key or a PKCS #8 private key")
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, notEd25519(parsed)
	}
	return key, nil
}

// notEd25519 returns the error for a parsed key of another type.
func notEd25519(key any) error {
	kind := "another type"
	switch key.(type) {
	case *rsa.PrivateKey, *rsa.PublicKey:
		kind = "RSA"
	case *ecdsa.PrivateKey, *ecdsa.PublicKey:
		kind = "ECDSA"
	case *ecdh.PrivateKey, *ecdh.PublicKey:
		kind = "ECDH"
	}
	return fmt.Errorf("must be an Ed25519 key, not %s", kind)
}
