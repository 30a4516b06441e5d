// Package ledgerchain makes changes of ledger entries evident. The entries of a player form a chain: each entry has a
// message authentication code (MAC) that covers the entry and the MAC of the previous entry. The key is not in the database,
// so a person who can write to the database but does not have the key cannot make a chain that verifies.
package ledgerchain

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"sync"
)

const (
	minKeySize = 32 // bytes
	keyIDSize  = 4
	macSize    = 16
	// Size is the length of a MAC: the id of the key and a truncated HMAC-SHA256, in base64.
	Size = ((keyIDSize+macSize)*8 + 5) / 6
)

// Key computes and verifies MACs. The zero value is not a key. It is safe for concurrent use.
type Key struct {
	id [keyIDSize]byte
	// hashes contains hash.Hash values with the secret. A used one computes the next MAC faster than a new one.
	hashes *sync.Pool
}

// GenerateKey returns the text of a new random key.
func GenerateKey() string {
	secret := make([]byte, minKeySize)
	_, _ = rand.Read(secret) // never fails
	return base64.StdEncoding.EncodeToString(secret)
}

// ParseKey parses a key: at least 32 random bytes in base64. The error does not contain the text.
func ParseKey(text string) (Key, error) {
	secret, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(secret) < minKeySize {
		return Key{}, fmt.Errorf("must be at least %d random bytes in base64, from loyalty keygen ledger", minKeySize)
	}
	k := Key{hashes: &sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}}
	copy(k.id[:], k.sum([]byte("key id"))) // the id reveals nothing about the secret
	return k, nil
}

// IsZero reports whether k is the zero value.
func (k Key) IsZero() bool { return k.hashes == nil }

// Derive returns a key of 32 bytes for another purpose. It reveals nothing about k.
func (k Key) Derive(purpose string) []byte { return k.sum([]byte("derived key for " + purpose)) }

func (k Key) sum(data []byte) []byte {
	h := k.hashes.Get().(hash.Hash)
	defer k.hashes.Put(h)
	h.Reset()
	h.Write(data)
	return h.Sum(nil)
}

// MAC returns the MAC of an entry. The parameter previous is the MAC of the player's previous entry, or empty for the first
// entry. It returns an error if e.Data is not JSON.
func (k Key) MAC(previous string, e Entry) (string, error) {
	data, err := e.encode(previous)
	if err != nil {
		return "", err
	}
	mac := append(k.id[:len(k.id):len(k.id)], k.sum(data)[:macSize]...)
	return base64.RawStdEncoding.EncodeToString(mac), nil
}

// Keys are the keys that verify MACs.
type Keys []Key

var (
	// ErrUnknownKey means that no key has the id in the MAC.
	ErrUnknownKey = errors.New("no key of LOYALTY_LEDGER_KEY and LOYALTY_LEDGER_OTHER_KEYS has made the MAC")
	// ErrMismatch means that the MAC is not the MAC of the entry.
	ErrMismatch = errors.New("the MAC does not match the entry and the MAC of the previous entry")
)

// Verify checks the MAC of an entry. It returns ErrUnknownKey, ErrMismatch or an error of [Key.MAC].
func (keys Keys) Verify(mac, previous string, e Entry) error {
	decoded, _ := base64.RawStdEncoding.DecodeString(mac) // malformed text equals no MAC below
	for _, k := range keys {
		if !bytes.HasPrefix(decoded, k.id[:]) {
			continue
		}
		want, err := k.MAC(previous, e)
		if err == nil && !hmac.Equal([]byte(mac), []byte(want)) {
			err = ErrMismatch
		}
		return err
	}
	return ErrUnknownKey
}
