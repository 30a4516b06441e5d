package accesstoken

import (
	"crypto/sha256"
	"sync"

	"github.com/casino-loyalty/loyalty/internal/authn"
)

// cacheSize is the number of tokens in each generation of a tokenCache. A full cache takes a few megabytes.
const cacheSize = 1 << 13

// tokenCache maps verified tokens to their callers. The map key is the SHA-256 of the whole token, including the signature.
// When the current generation is full, it replaces the previous generation. tokenCache is safe for concurrent use.
//
// If the signing key is withdrawn, a cached token stays valid until it expires or its session ends.
type tokenCache struct {
	size int // maximum number of tokens in a generation

	mu                sync.RWMutex
	current, previous map[[sha256.Size]byte]authn.Caller
}

func newTokenCache(size int) *tokenCache {
	return &tokenCache{size: size, current: map[[sha256.Size]byte]authn.Caller{}}
}

func fingerprint(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

func (c *tokenCache) get(id [sha256.Size]byte) (authn.Caller, bool) {
	c.mu.RLock()
	caller, ok := c.current[id]
	if ok {
		c.mu.RUnlock()
		return caller, true
	}
	caller, ok = c.previous[id]
	c.mu.RUnlock()
	if ok {
		c.put(id, caller) // keep a used token for another generation
	}
	return caller, ok
}

func (c *tokenCache) put(id [sha256.Size]byte, caller authn.Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.current) >= c.size {
		c.previous, c.current = c.current, make(map[[sha256.Size]byte]authn.Caller, c.size)
	}
	c.current[id] = caller
}
