package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
)

// runKeygen prints a new Ed25519 private key, the value of LOYALTY_TOKEN_KEY.
func runKeygen(_ context.Context, c call) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return pem.Encode(c.stdout, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
