// Package rpc serves the users API, with one file per method. A method converts the request, calls the domain and converts
// the result. The server's interceptors authorise callers, validate requests and encode errors.
package rpc

import (
	"context"
	"net/http"

	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Auth implements AuthService.
type Auth struct{ service *users.Service }

// Users implements UserService.
type Users struct {
	service *users.Service
	ledger  *users.LedgerService
}

// Audit implements AuditService.
type Audit struct{ service *users.Service }

// Restrictions implements RestrictionService.
type Restrictions struct{ service *users.Service }

var (
	_ usersv1connect.AuthServiceHandler  = (*Auth)(nil)
	_ usersv1connect.UserServiceHandler  = (*Users)(nil)
	_ usersv1connect.AuditServiceHandler = (*Audit)(nil)

	_ usersv1connect.RestrictionServiceHandler = (*Restrictions)(nil)
)

// NewAudit returns the handler of the audit trail.
func NewAudit(service *users.Service) *Audit { return &Audit{service} }

// NewRestrictions returns the handler of restrictions.
func NewRestrictions(service *users.Service) *Restrictions { return &Restrictions{service} }

// NewAuth returns the handler of registration, login, refresh and logout.
func NewAuth(service *users.Service) *Auth { return &Auth{service} }

// client describes the client of a request.
func client(ctx context.Context, h http.Header) users.Client {
	return session.NewClient(rpcserver.ClientAddr(ctx), h.Get("User-Agent"))
}

// NewUsers returns the handler of profiles, transactions and user administration.
func NewUsers(service *users.Service, ledger *users.LedgerService) *Users {
	return &Users{service, ledger}
}
