// Package session defines sessions and their tokens. A session starts with a login. It ends at a logout, at a deactivation
// or password reset of the user, when the session's refresh token expires or is reused, when the user has more than
// MaxPerUser sessions, and at its absolute end, however often it is refreshed. An access token names its session and is
// refused after the session has ended.
//
// Each use of a refresh token replaces it with a new one (rotation). The use of a rotated token ends the session, because
// two clients hold the token and one of them has stolen it (RFC 9700, section 4.14.2). There is one exception: within
// GracePeriod after its rotation, a token returns the same new pair again, because a client may send concurrent requests
// with one token.
package session

import (
	"context"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/authn"
)

const (
	// TTL is the lifetime of a refresh token. A session expires TTL after its last refresh, or at its absolute end if that is
	// earlier.
	TTL = 24 * time.Hour
	// DefaultLifetime is the default time from the start of a session to its absolute end.
	DefaultLifetime = 30 * 24 * time.Hour
	// MaxPerUser is the maximum number of a user's sessions. It limits the memory of sessions, because successful logins are
	// not rate-limited.
	MaxPerUser = 100
	// GracePeriod is the time after a rotation in which the old refresh token returns the same new pair again.
	GracePeriod = 10 * time.Second
)

// RefreshTokenIn is how a client receives its refresh tokens.
type RefreshTokenIn string

// The values of RefreshTokenIn.
const (
	InCookie RefreshTokenIn = "COOKIE"
	InBody   RefreshTokenIn = "BODY"
)

// Session is an active session.
type Session struct {
	ID   uuid.UUID  `json:"-"`
	User uuid.UUID  `json:"user"`
	Role authn.Role `json:"role"`
	// UserVersion is the status version of the user at the login or at the last refresh. A new password, a deactivation and the
	// end of all sessions increment the version, so a refresh recognises an older session, even if its record was restored.
	UserVersion int64 `json:"userVersion"`
	// In is how the client receives its refresh tokens.
	In RefreshTokenIn `json:"in"`
	// CreatedAt is the time of the login, and LastUsedAt the time of the last refresh or of the login.
	CreatedAt  time.Time `json:"createdAt"`
	LastUsedAt time.Time `json:"lastUsedAt"`
	// Client is the client that used the session at LastUsedAt.
	Client Client `json:"client"`
	// Ends is the absolute end of the session. No refresh extends the session beyond it.
	Ends time.Time `json:"ends"`
}

// Client describes the client of a request.
type Client struct {
	// Address is the address of the client, or the zero Addr if it is unknown.
	Address netip.Addr `json:"address"`
	// UserAgent is the name that the client claims to have.
	UserAgent string `json:"userAgent"`
}

// maxUserAgent is the maximum length of Client.UserAgent in bytes.
const maxUserAgent = 256

// NewClient returns a client. It removes characters that cannot be printed from userAgent, and truncates it.
func NewClient(address netip.Addr, userAgent string) Client {
	var b strings.Builder
	for _, r := range userAgent { // an invalid byte is the replacement character
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r) > maxUserAgent {
			break
		}
		b.WriteRune(r)
	}
	return Client{Address: address, UserAgent: strings.TrimSpace(b.String())}
}

// Access is an access token and its expiry.
type Access struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// Pair is the result of a rotation.
type Pair struct {
	Access Access `json:"access"`
	// Refresh is the next refresh token.
	Refresh string `json:"refresh"`
}

// Issue returns an access token for a session, and may set the UserVersion that the rotation stores. If it fails, the
// rotation fails with the same error and changes nothing.
type Issue func(context.Context, *Session) (Access, error)
