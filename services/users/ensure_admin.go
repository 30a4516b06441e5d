package users

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/authn"
)

// AdminOutcome is the result of EnsureAdmin.
type AdminOutcome int

// The outcomes of EnsureAdmin.
const (
	// AdminCreated means that a new admin was stored with the password.
	AdminCreated AdminOutcome = iota + 1
	// AdminReset means that the password of an existing admin was replaced and the admin was activated.
	AdminReset
	// AdminUnchanged means that the admin exists and was not changed. The password was not used.
	AdminUnchanged
)

// EnsureAdmin creates an admin if no user has the e-mail. It is idempotent, and several replicas may run it concurrently.
//
// If reset is true, EnsureAdmin replaces the password of an existing admin, activates the admin and ends the admin's
// sessions. Otherwise it does not change an existing admin. It returns VALIDATION_FAILED for an invalid e-mail or password,
// PASSWORD_TOO_WEAK for a password that is easy to guess, and USER_EXISTS if a user of another role has the e-mail. Nobody
// can therefore become an admin by registering the e-mail first.
func (s *Service) EnsureAdmin(ctx context.Context, email, secret string, reset bool) (AdminOutcome, error) {
	email = strings.TrimSpace(email)
	if err := CheckEmail(email); err != nil {
		return 0, err
	}
	normal, err := normalizeNewPassword("password", secret, email)
	if err != nil {
		return 0, err
	}
	u, err := s.store.UserByEmail(ctx, FoldEmail(email))
	if apperr.CodeOf(err) == apperr.NotFound {
		_, err = s.create(byOperator(ctx, AuditActionCreateAdmin), email, secret, authn.RoleAdmin)
		if err == nil {
			return AdminCreated, nil
		}
		if apperr.CodeOf(err) != apperr.UserExists {
			return 0, err
		}
		u, err = s.store.UserByEmail(ctx, FoldEmail(email)) // another replica has created the admin in the meantime
	}
	switch {
	case err != nil:
		return 0, err
	case u.Role != authn.RoleAdmin:
		return 0, apperr.New(apperr.UserExists, "the e-mail belongs to a user with role %s", u.Role)
	case !reset:
		return AdminUnchanged, nil
	}
	if err := s.resetAdmin(byOperator(ctx, AuditActionResetAdmin), u, normal); err != nil {
		return 0, err
	}
	return AdminReset, nil
}

// ResetAdminFactor removes the second factor of an admin, for an operator. It returns NOT_FOUND if no admin has the e-mail.
func (s *Service) ResetAdminFactor(ctx context.Context, email string) error {
	u, err := s.store.UserByEmail(ctx, FoldEmail(strings.TrimSpace(email)))
	if err == nil && u.Role != authn.RoleAdmin {
		err = apperr.New(apperr.NotFound, "the user is not an admin")
	}
	if err != nil {
		return err
	}
	return s.store.ResetSecondFactor(byOperator(ctx, AuditActionResetMfa), u.ID)
}

// byOperator returns a context with an act of an operator.
func byOperator(ctx context.Context, action AuditAction) context.Context {
	return audit.With(ctx, &audit.Act{Action: string(action), Operator: true})
}

// resetAdmin stores a normalized password for an admin, activates the admin and ends the admin's sessions.
func (s *Service) resetAdmin(ctx context.Context, u User, normal string) error {
	hash, err := s.hasher.Hash(ctx, normal)
	if err != nil {
		return err
	}
	if err := s.store.SetPasswordHash(ctx, u.ID, "", hash); err != nil {
		return err
	}
	if u, err = s.store.SetActive(ctx, uuid.Nil, u.ID, true); err != nil {
		return err
	}
	return s.endSessions(ctx, u)
}
