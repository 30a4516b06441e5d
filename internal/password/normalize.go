package password

import (
	"errors"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// MaxLength is the maximum length of a password in characters, after normalization. MinLength is the minimum.
const (
	MinLength = 8
	MaxLength = 128
)

// ErrNotAPassword is the error of Normalize for a text that RFC 8265 does not allow as a password.
var ErrNotAPassword = errors.New("the password is empty or has a control, invisible or unassigned character")

// Normalize returns the form of a password that is hashed and compared: the OpaqueString profile of RFC 8265, section
// 4.2. Texts that look the same become the same: Unicode normalization form C applies, and every space character becomes
// U+0020. Case and surrounding spaces are kept. The error is ErrNotAPassword.
func Normalize(password string) (string, error) {
	if !utf8.ValidString(password) {
		return "", ErrNotAPassword
	}
	normal, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", ErrNotAPassword
	}
	return normal, nil
}
