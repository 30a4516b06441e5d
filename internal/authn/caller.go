// Package authn says who is calling, and carries the caller in the context of a request. It knows no way of finding out;
// see [github.com/casino-loyalty/loyalty/internal/accesstoken].
package authn

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Leeway is how long after its end a token is still good, since the clocks of those who issue and who verify it differ.
const Leeway = 5 * time.Second

// Caller is who an access token speaks for.
type Caller struct {
	UserID uuid.UUID
	Role   Role
	// Session is the session that the token belongs to. The token is worth nothing once it has ended.
	Session uuid.UUID
	// Expires is when the token ends; it is good until Leeway later.
	Expires time.Time
}

type callerKey struct{}

// With returns a context that carries the caller.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From returns the caller of the request that ctx belongs to; false where nobody was authenticated.
func From(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}
