package users

import (
	"unicode/utf8"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/password"
)

// CheckPassword checks whether a user may choose a password. The error is VALIDATION_FAILED if the length after
// normalization is out of range, or if the password has characters that [password.Normalize] refuses.
func CheckPassword(secret string) error {
	_, err := normalizeNewPassword(secret)
	return err
}

// normalizeNewPassword returns the normal form of a new password. The errors are those of CheckPassword.
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
