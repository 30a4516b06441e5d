// Package session keeps sessions and their refresh tokens in Redis.
//
// A session begins with a login. It is active as long as its record exists: every access token names its session, and is
// worth nothing once the record is gone. A session's refresh tokens are a family: each use of the newest gives the next
// one (rotation), and the use of an older one ends the session, since either its holder or the holder of the newest one
// has stolen it (RFC 9700, section 4.14.2). For Grace after a rotation the older token gives the same new pair again,
// because one client may well ask twice at once.
//
// Keys, all with a time to live:
//
//	session:<session>               who the session belongs to; exists while the session is active
//	session-refresh:<token hash>    "live" or "rotated"; outlives its session, so that an ended one is told from none
//	session-grace:<token hash>      the pair that the token was exchanged for, sealed; lives for Grace
//	session-user:<user>             the user's sessions by when they run out (sorted set)
//
// The scripts compute no key of another master, but touch several: Redis Cluster is not supported.
package session

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/authn"
)

const (
	// TTL is how long a refresh token may be used, and thus how long a session lives on without a refresh.
	TTL = 24 * time.Hour
	// MaxPerUser is how many sessions a user may have: logins that succeed are not limited, and each costs memory for TTL.
	MaxPerUser = 100
	// Grace is how long a rotated refresh token gives the same new pair again.
	Grace = 10 * time.Second
	// cacheTTL bounds how long a session is believed active without asking Redis, which pushes its end to us: it matters
	// only where the connection hangs and no push arrives.
	cacheTTL = 5 * time.Second
)

// In says where a client takes its refresh token.
type In string

// The places of a refresh token.
const (
	InCookie In = "COOKIE"
	InBody   In = "BODY"
)

// Session is what is remembered of a login.
type Session struct {
	ID   uuid.UUID  `json:"-"`
	User uuid.UUID  `json:"user"`
	Role authn.Role `json:"role"`
	// In is where the client wants its refresh tokens.
	In In `json:"in"`
}

// Access is an access token and when it ends.
type Access struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// Pair is what a rotation gives.
type Pair struct {
	Access Access `json:"access"`
	// Refresh is the next refresh token.
	Refresh string `json:"refresh"`
}

func (s Session) encode() (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

func decode(id uuid.UUID, record []byte) (Session, error) {
	s := Session{ID: id}
	if err := json.Unmarshal(record, &s); err != nil {
		return Session{}, fmt.Errorf("the record of session %s: %w", id, err)
	}
	return s, nil
}
