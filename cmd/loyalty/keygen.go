package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
)

// runKeygen prints a new Ed25519 private key, the value of LOYALTY_TOKEN_KEY.
func runKeygen(_ context.Context, c call) error {
	if err := c.flags("keygen", 0, nil); err != nil {
		return err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	text, err := accesstoken.EncodeKey(key)
	if err != nil {
		return err
	}
	_, err = c.stdout.Write(text)
	return err
}
