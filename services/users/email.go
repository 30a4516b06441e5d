package users

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// maxEmail is the maximum length of an e-mail in characters, as in the schema.
const maxEmail = 254

// CheckEmail returns VALIDATION_FAILED unless email has the form of an e-mail address.
func CheckEmail(email string) error {
	local, domain, found := strings.Cut(email, "@")
	if !found || local == "" || domain == "" || !storable(email) || utf8.RuneCountInString(email) > maxEmail {
		return apperr.Invalid("email", "email", "must be an e-mail address")
	}
	return nil
}

// FoldEmail returns the form in which e-mails are compared and indexed. It removes surrounding white space and applies
// Unicode's full case folding, so "STRASSE" equals "straße". The result is in Unicode normalization form C. It does not
// depend on the locale of the process or of the database.
func FoldEmail(email string) string { return foldText(strings.TrimSpace(email)) }

// FoldEmailPrefix returns the form in which the beginning of an e-mail is compared with folded e-mails. It does the same as
// FoldEmail, but keeps surrounding white space.
func FoldEmailPrefix(prefix string) string { return foldText(prefix) }

// foldText folds the case of a text and normalizes it. It normalizes before the folding, because equivalent texts may fold
// to different results. It normalizes again after the folding, because folding can produce text that is not normalized.
func foldText(s string) string { return norm.NFC.String(cases.Fold().String(norm.NFC.String(s))) }
