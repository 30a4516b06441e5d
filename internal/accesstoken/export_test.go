package accesstoken

import (
	"crypto/ed25519"
	"time"
)

const (
	KeysMinInterval = keysMinInterval
	KeysMaxAge      = keysMaxAge
	KeysMaxBytes    = keysMaxBytes
	MaxTokenBytes   = maxTokenBytes
)

func (i *Issuer) SetClock(now func() time.Time)     { i.now = now }
func (v *Verifier) SetClock(now func() time.Time)   { v.now = now }
func (v *Verifier) SetCacheSize(size int)           { v.cache = newTokenCache(size) }
func (r *RemoteKeys) SetClock(now func() time.Time) { r.now = now }

func ParseJWKS(body []byte) (map[string]ed25519.PublicKey, error) { return parseJWKS(body) }
