package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
)

// runKeygen prints a new Ed25519 private key for LOYALTY_TOKEN_KEY, as PKCS #8 in base64. The key is one line without
// spaces, so it works in shells, env files and secret files.
func runKeygen(_ context.Context, c call) error {
	if err := c.flags("keygen", 0, nil); err != nil {
		return err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.stdout, base64.StdEncoding.EncodeToString(der))
	return err
}
