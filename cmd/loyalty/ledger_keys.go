package main

import (
	"strings"

	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
)

// ledgerKey is the key that computes the MACs of the ledger.
type ledgerKey struct{ key ledgerchain.Key }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *ledgerKey) UnmarshalText(text []byte) error {
	key, err := ledgerchain.ParseKey(strings.TrimSpace(string(text)))
	if err != nil {
		return &config.ValueError{Text: err.Error()}
	}
	k.key = key
	return nil
}

// ledgerKeySettings are the keys that verify the MACs of the ledger and decrypt second factors.
type ledgerKeySettings struct {
	Key ledgerKey `env:"LOYALTY_LEDGER_KEY,required,notEmpty"`
	// OtherKeys are the previous keys. They verify the entries, and decrypt the second factors, of the time before a rotation.
	OtherKeys []ledgerKey `env:"LOYALTY_LEDGER_OTHER_KEYS"`
}

func (s ledgerKeySettings) keys() ledgerchain.Keys {
	return append(ledgerchain.Keys{s.Key.key}, s.otherKeys()...)
}

func (s ledgerKeySettings) otherKeys() (keys ledgerchain.Keys) {
	for _, k := range s.OtherKeys {
		keys = append(keys, k.key)
	}
	return keys
}
