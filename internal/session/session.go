// Package session says what a session is. One begins with a login and is active until it ends: every access token names
// its session, and is worth nothing afterwards. A session's refresh tokens are a family: each use of the newest gives the
// next one (rotation), and the use of an older one ends the session, since either its holder or the holder of the newest one
// has stolen it (RFC 9700, section 4.14.2). For Grace after a rotation the older token gives the same new pair again,
// because one client may well ask twice at once.
package session

import (
	"context"
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

// Issue makes the access token of a session. An error of it ends the rotation before anything has changed.
type Issue func(context.Context, Session) (Access, error)
