package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
)

// runKeygen prints a new key. Without an argument it is an Ed25519 private key for LOYALTY_TOKEN_KEY, as PKCS #8 in base64.
// With the argument ledger it is a key for LOYALTY_LEDGER_KEY. A key is one line without spaces, so it works in shells, env
// files and secret files.
func runKeygen(_ context.Context, c call) error {
	if err := c.flags("keygen", 1, nil); err != nil {
		return err
	}
	switch kind := strings.Join(c.args, ""); kind {
	case "", "token":
	case "ledger":
		_, err := fmt.Fprintln(c.stdout, ledgerchain.GenerateKey())
		return err
	default:
		return fmt.Errorf("%w: unknown kind of key %q", errUsage, kind)
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
