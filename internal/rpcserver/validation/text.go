package validation

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// normalise returns the normal form of a text, and the first character that is not allowed in it, with false.
func normalise(s string) (normal string, bad rune, ok bool) {
	if plain(s) {
		return s, 0, true
	}
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	s = norm.NFC.String(s)
	for _, c := range s {
		if forbidden(c) {
			return s, c, false
		}
	}
	if !strings.ContainsFunc(s, visible) {
		s = ""
	}
	return s, 0, true
}

// visible: joiners, zero-width spaces and other format characters are not.
func visible(c rune) bool { return unicode.IsGraphic(c) && !unicode.IsSpace(c) }

// plain reports whether s is printable ASCII without space at its ends, which is its own normal form.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}

func forbidden(c rune) bool {
	switch {
	case c == '\n' || c == '\t':
		return false
	case c < ' ', c >= 0x7F && c <= 0x9F: // C0, DEL, C1
		return true
	case c >= 0x202A && c <= 0x202E, c >= 0x2066 && c <= 0x2069: // bidirectional embeddings, overrides, isolates
		return true
	default:
		return false
	}
}
