package accesstoken

import (
	"crypto/sha256"
	"sync"

	"github.com/casino-loyalty/loyalty/internal/authn"
)

// generation is how many tokens are remembered before older ones are forgotten: some megabytes in all.
const generation = 1 << 13

// seen remembers the tokens whose signature was found good. Tokens are known by their SHA-256, signature included, so
// that nothing but the very same token is found. What is forgotten is checked again; a token that was withdrawn with its
// key stays good until it ends, Lifetime at most, unless its session is ended.
type seen struct {
	most int // of young, and so of old

	mu         sync.RWMutex
	young, old map[[sha256.Size]byte]authn.Caller
}

func newSeen(most int) *seen { return &seen{most: most, young: map[[sha256.Size]byte]authn.Caller{}} }

func fingerprint(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

func (s *seen) get(id [sha256.Size]byte) (authn.Caller, bool) {
	s.mu.RLock()
	c, ok := s.young[id]
	if ok {
		s.mu.RUnlock()
		return c, true
	}
	c, ok = s.old[id]
	s.mu.RUnlock()
	if ok {
		s.put(id, c) // in use: keep it for another generation
	}
	return c, ok
}

func (s *seen) put(id [sha256.Size]byte, c authn.Caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.young) >= s.most {
		s.old, s.young = s.young, make(map[[sha256.Size]byte]authn.Caller, s.most)
	}
	s.young[id] = c
}
