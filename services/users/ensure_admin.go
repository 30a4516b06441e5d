package users

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
)

// CheckEmail returns VALIDATION_FAILED for what is no e-mail address.
func CheckEmail(email string) error {
	if !strings.Contains(email, "@") {
		return apperr.Invalid("email", "email", "must be an e-mail address")
	}
	return nil
}

// CheckPassword returns VALIDATION_FAILED for a password that is too short or too long.
func CheckPassword(password string) error {
	if n := utf8.RuneCountInString(password); n < RegisterPasswordMinLen || n > RegisterPasswordMaxLen {
		return apperr.Invalid("password", "length",
			"must have %d to %d characters", RegisterPasswordMinLen, RegisterPasswordMaxLen)
	}
	return nil
}

// EnsureAdmin sees that there is an admin of an e-mail, and reports whether it made one. It may be called again, and by
// several replicas at once. An admin who is there stays as it is, unless reset is true: then it gets the password, is
// switched on, and its sessions end. A user of another role stays as it is, and the error is USER_EXISTS: nobody gains
// rights by having registered first.
func (s *Service) EnsureAdmin(ctx context.Context, email, password string, reset bool) (created bool, err error) {
	email = strings.TrimSpace(email)
	if err := CheckEmail(email); err != nil {
		return false, err
	}
	if err := CheckPassword(password); err != nil {
		return false, err
	}
	u, err := s.store.UserByEmail(ctx, email)
	if apperr.CodeOf(err) == apperr.NotFound {
		_, err = s.create(ctx, email, password, authn.RoleAdmin)
		if apperr.CodeOf(err) != apperr.UserExists {
			return err == nil, err
		}
		u, err = s.store.UserByEmail(ctx, email) // another replica was quicker
	}
	if err != nil {
		return false, err
	}
	if u.Role != authn.RoleAdmin {
		return false, apperr.New(apperr.UserExists, "the e-mail belongs to a user of role %s", u.Role)
	}
	if !reset {
		return false, nil
	}
	return false, s.resetAdmin(ctx, u, password)
}

func (s *Service) resetAdmin(ctx context.Context, u User, password string) error {
	hash, err := s.hasher.Hash(ctx, password)
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
