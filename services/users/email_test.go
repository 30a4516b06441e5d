package users_test

import (
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/users"
)

func TestFoldEmail(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"lower case":       {"anna@example.com", "anna@example.com"},
		"upper case":       {"ANNA@EXAMPLE.COM", "anna@example.com"},
		"white space":      {" \tanna@example.com\n", "anna@example.com"},
		"capital I":        {"INFO@example.com", "info@example.com"},
		"dotless i":        {"\u0131nfo@example.com", "\u0131nfo@example.com"},
		"capital dotted I": {"\u0130nfo@example.com", "i\u0307nfo@example.com"},
		"sharp s":          {"stra\u00dfe@example.com", "strasse@example.com"},
		"final sigma":      {"\u03c2@example.com", "\u03c3@example.com"},
		"decomposed":       {"A\u0308@example.com", "\u00e4@example.com"},
		"Kelvin sign":      {"\u212a@example.com", "k@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := users.FoldEmail(tt.in); got != tt.want {
				t.Errorf("FoldEmail(%+q) = %+q, want %+q", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzFoldEmail(f *testing.F) {
	for _, s := range []string{"Anna@Example.com", "\u0130", "\u0345\u0301", "\xff", "\u1e9e", "\u03f4\u0300"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		folded := users.FoldEmail(s)
		if again := users.FoldEmail(folded); again != folded {
			t.Errorf("FoldEmail(%+q) = %+q, but folding that gives %+q", s, folded, again)
		}
	})
}

func TestCheckEmail(t *testing.T) {
	for email, valid := range map[string]bool{
		"a@b": true, "Anna@Example.com": true, "": false, "anna": false, "@example.com": false, "anna@": false,
		"a\x00@b": false, "\xff@b": false, strings.Repeat("a", 300) + "@b": false,
	} {
		if err := users.CheckEmail(email); (err == nil) != valid || err != nil && apperr.CodeOf(err) != apperr.ValidationFailed {
			t.Errorf("CheckEmail(%q) = %v, want valid %t", email, err, valid)
		}
	}
}
