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

// EncodePrivateKey returns key as a PEM block (PKCS #8).
func EncodePrivateKey(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der}), nil
}

// ParsePrivateKey returns the Ed25519 private key in the first PEM block (PKCS #8) of text. The error completes a sentence
// that begins with the name of a setting or file. It never quotes the text.
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

// ParsePublicKeys returns the Ed25519 public key of each PEM block in text. A block contains a public key
// (SubjectPublicKeyInfo) or a private key (PKCS #8). The error has the form described at ParsePrivateKey.
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

// ParsePrivateKeys returns the Ed25519 private keys (PKCS #8) among the PEM blocks in text. It skips public keys.
func ParsePrivateKeys(text []byte) ([]ed25519.PrivateKey, error) {
	var keys []ed25519.PrivateKey
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == publicBlock {
			continue
		}
		key, err := parsePrivateBlock(block)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
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

// notEd25519 returns the error for a key that is not an Ed25519 key. The error names the key's type.
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
