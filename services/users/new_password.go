package users

import (
	"unicode/utf8"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/password"
)

// CheckPassword returns VALIDATION_FAILED for a password that no user may choose: its length after normalization is out
// of range, or it has characters that [password.Normalize] refuses.
func CheckPassword(secret string) error {
	_, err := normalizeNewPassword(secret)
	return err
}

// normalizeNewPassword returns the normal form of a password that a user chooses, or the error of CheckPassword.
func normalizeNewPassword(secret string) (string, error) {
	normal, err := password.Normalize(secret)
	if secret != "" && err != nil {
		return "", apperr.Invalid("password", "characters", "must not contain control, invisible or unassigned characters")
	}
	if n := utf8.RuneCountInString(normal); n < password.MinLength || n > password.MaxLength {
		return "", apperr.Invalid("password", "length", "must have %d to %d characters", password.MinLength, password.MaxLength)
	}
	return normal, nil
}
