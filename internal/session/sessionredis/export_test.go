package sessionredis

import (
	"crypto/rand"

	"github.com/casino-loyalty/loyalty/internal/session"
)

// Previous returns a refresh token and the record of a session as a release without generations stores them.
func Previous(key Key, of session.Session) (refresh, stored string, err error) {
	s := NewStore(nil, key)
	t := token{session: of.ID}
	random := t.secret[:secretSize-tokenMACSize]
	_, _ = rand.Read(random)
	random[0] = 0xff // as a generation, it would be in the future, like almost every random number
	copy(t.secret[len(random):], key.mac(tokenPurpose, of.ID, random))
	stored, err = s.encode(record{Session: of})
	return t.String(), stored, err
}
