// Package authn defines the authenticated caller of a request and carries it in the request's context. Package accesstoken
// authenticates callers.
package authn

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Leeway is how long a token is accepted before its time of issue and after its expiry. It allows for clock differences
// between issuer and verifier.
const Leeway = 5 * time.Second

// Caller is the user for whom an access token was issued.
type Caller struct {
	UserID uuid.UUID
	Role   Role
	// Session is the session of the token. The token is not accepted after the session has ended.
	Session uuid.UUID
	// Enrolling is true if the caller must enrol a second factor first, and may do nothing else.
	Enrolling bool
	// Expires is the expiry of the token. The token is accepted for Leeway after its expiry.
	Expires time.Time
}

// Grant describes what a new access token gives access to.
type Grant struct {
	User    uuid.UUID
	Role    Role
	Session uuid.UUID
	// End is the end of the session.
	End time.Time
	// Enrolling restricts the token to the enrolment of a second factor.
	Enrolling bool
}

// ForgedSessionError is the cause of a refusal because the record of a session in Redis is not authentic: something other
// than the platform has written it.
type ForgedSessionError struct {
	Session uuid.UUID
}

// Error implements error.
func (e *ForgedSessionError) Error() string {
	return fmt.Sprintf("the record of session %s in Redis is not authentic", e.Session)
}

type callerKey struct{}

// With returns a context that carries the caller.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From returns the caller in ctx. The second result is false if the request was not authenticated.
func From(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}
