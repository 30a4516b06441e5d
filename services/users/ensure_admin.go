package users

import (
	"context"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
)

// AdminOutcome is the result of EnsureAdmin.
type AdminOutcome int

// The outcomes of EnsureAdmin.
const (
	// AdminCreated means that a new admin was stored with the password.
	AdminCreated AdminOutcome = iota + 1
	// AdminReset means that an existing admin was given the password.
	AdminReset
	// AdminUnchanged means that an existing admin was left as it is; the password was not used.
	AdminUnchanged
)

// EnsureAdmin creates an admin if no user has the e-mail. It is idempotent, and several replicas may call it at once.
//
// An existing admin is unchanged, unless reset is true: then it gets the password, is activated, and its sessions end.
// Errors: VALIDATION_FAILED for the e-mail or the password, and USER_EXISTS if a user of another role has the e-mail, so
// that nobody gains rights by registering early.
func (s *Service) EnsureAdmin(ctx context.Context, email, secret string, reset bool) (AdminOutcome, error) {
	email = strings.TrimSpace(email)
	if err := CheckEmail(email); err != nil {
		return 0, err
	}
	normal, err := normalizeNewPassword(secret)
	if err != nil {
		return 0, err
	}
	u, err := s.store.UserByEmail(ctx, FoldEmail(email))
	if apperr.CodeOf(err) == apperr.NotFound {
		_, err = s.create(ctx, email, secret, authn.RoleAdmin)
		if err == nil {
			return AdminCreated, nil
		}
		if apperr.CodeOf(err) != apperr.UserExists {
			return 0, err
		}
		u, err = s.store.UserByEmail(ctx, FoldEmail(email)) // another replica created it meanwhile
	}
	switch {
	case err != nil:
		return 0, err
	case u.Role != authn.RoleAdmin:
		return 0, apperr.New(apperr.UserExists, "the e-mail belongs to a user with role %s", u.Role)
	case !reset:
		return AdminUnchanged, nil
	}
	if err := s.resetAdmin(ctx, u, normal); err != nil {
		return 0, err
	}
	return AdminReset, nil
}

// resetAdmin gives an admin a normalised password, activates it and ends its sessions.
func (s *Service) resetAdmin(ctx context.Context, u User, normal string) error {
	hash, err := s.hasher.Hash(ctx, normal)
	if err != nil {
		return err
	}
	if err := s.store.SetPasswordHash(ctx, u.ID, "", hash); err != nil {
		return err
	}
	if u, err = s.store.SetActive(ctx, u.ID, true); err != nil {
		return err
	}
	return s.endSessions(ctx, u)
}
