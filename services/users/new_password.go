package users

import (
	"unicode/utf8"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/password"
)

// CheckPassword checks whether a user may choose a password. The e-mail of the user may be empty. The error is
// VALIDATION_FAILED if the length after normalization is out of range, or if the password has characters that
// [password.Normalize] refuses. It is PASSWORD_TOO_WEAK, with the reason, if the password is easy to guess.
func CheckPassword(secret, email string) error {
	_, err := normalizeNewPassword("password", secret, email)
	return err
}

// normalizeNewPassword returns the normal form of a new password. The errors are those of CheckPassword. Violations name the
// field of the request.
func normalizeNewPassword(field, secret, email string) (string, error) {
	normal, err := password.Normalize(secret)
	if secret != "" && err != nil {
		return "", apperr.Invalid(field, "characters", "must not contain control, invisible or unassigned characters")
	}
	if n := utf8.RuneCountInString(normal); n < password.MinLength || n > password.MaxLength {
		return "", apperr.Invalid(field, "length", "must have %d to %d characters", password.MinLength, password.MaxLength)
	}
	if reason, guessable := password.Guessable(normal, FoldEmail(email)); guessable {
		return "", apperr.New(apperr.PasswordTooWeak, "the password is too easy to guess: %s", reason)
	}
	return normal, nil
}
