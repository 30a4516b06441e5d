// Package printable makes text of unknown origin safe to show, in answers of the API and on terminals.
package printable

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Escape returns s with all characters escaped that are not printable: control characters, such as the escape sequences of
// terminals, characters that change the direction of text, line breaks, and bytes that are not UTF-8. A line break becomes
// `\n`, for example. Escape does not escape backslashes, so the result cannot always be converted back.
func Escape(s string) string {
	if isPrintable(s) {
		return s
	}
	var b strings.Builder
	for i, c := range s {
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			b.WriteString(`\x`)
			b.WriteString(strconv.FormatUint(uint64(s[i]), 16))
		case strconv.IsPrint(c):
			b.WriteRune(c)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
		}
	}
	return b.String()
}

// Clip returns at most limit bytes of s in the form of Escape. If s is longer, the result ends with "…".
func Clip(s string, limit int) string {
	if len(s) <= limit {
		return Escape(s)
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return Escape(s[:limit]) + "…"
}

func isPrintable(s string) bool {
	for i, c := range s {
		if !strconv.IsPrint(c) || c == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			return false
		}
	}
	return true
}
