package password

import (
	"errors"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// The minimum and maximum length of a normalized password in characters.
const (
	MinLength = 8
	MaxLength = 128
)

// ErrNotAllowed is the error that Normalize returns for a text that RFC 8265 does not allow as a password.
var ErrNotAllowed = errors.New("the password is empty or contains a control, invisible or unassigned character")

// Normalize applies the profile OpaqueString of RFC 8265, section 4.2. Normalize a password before you hash or verify
// it, so that the same password typed on different keyboards has the same bytes. The result has Unicode normalization
// form C, and every space character is U+0020. Case and surrounding spaces are kept. The only error is ErrNotAllowed.
func Normalize(password string) (string, error) {
	if !utf8.ValidString(password) {
		return "", ErrNotAllowed
	}
	normal, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", ErrNotAllowed
	}
	return normal, nil
}
