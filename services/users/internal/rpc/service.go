// Package rpc serves the users API: one file per verb, which converts, calls the domain and converts back. Who may call,
// what is valid and how errors travel is settled before and after, by the server's interceptors.
package rpc

import (
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Auth implements AuthService.
type Auth struct{ service *users.Service }

// Users implements UserService.
type Users struct{ service *users.Service }

var (
	_ usersv1connect.AuthServiceHandler = (*Auth)(nil)
	_ usersv1connect.UserServiceHandler = (*Users)(nil)
)

// NewAuth returns the handler of registration, login and sessions.
func NewAuth(service *users.Service) *Auth { return &Auth{service} }

// NewUsers returns the handler of profiles, ledgers and the back office's view of them.
func NewUsers(service *users.Service) *Users { return &Users{service} }
