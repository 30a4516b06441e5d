package validation

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalize returns the normal form of a text. If the text contains a forbidden character, it returns the first one and
// false; the character is utf8.RuneError if the text is not valid UTF-8.
func normalize(s string) (normal string, bad rune, ok bool) {
	if isPlain(s) {
		return s, 0, true
	}
	// Forbidden characters are refused before the text is trimmed, because some of them are white space.
	for i, c := range s {
		if c == '\r' && strings.HasPrefix(s[i:], "\r\n") {
			continue
		}
		if isForbidden(c) || c == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			return s, c, false
		}
	}
	s = norm.NFC.String(strings.ReplaceAll(strings.TrimSpace(s), "\r\n", "\n"))
	if !strings.ContainsFunc(s, isVisible) {
		s = ""
	}
	return s, 0, true
}

// isVisible reports whether a character is visible. It returns false for spaces, controls, format characters such
// as joiners and tags, unassigned and private-use characters, default-ignorable characters such as fillers and variation
// selectors, characters with a blank glyph, and combining marks, which need a base character.
func isVisible(c rune) bool {
	return unicode.IsGraphic(c) && !unicode.IsSpace(c) && !unicode.IsMark(c) &&
		!unicode.Is(unicode.Other_Default_Ignorable_Code_Point, c) && !isBlank(c)
}

// isBlank reports whether a character is a letter or symbol whose glyph is blank or a mere placeholder.
func isBlank(c rune) bool {
	switch c {
	case '\u2800', // braille pattern blank
		'\uFFFC',     // object replacement character
		'\U00013441', // Egyptian hieroglyph full blank
		'\U00013442', // Egyptian hieroglyph half blank
		'\U0001D159': // musical symbol null notehead
		return true
	default:
		return false
	}
}

// isPlain reports whether s is printable ASCII without spaces at its ends. Such a text is already in normal form.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}

func isForbidden(c rune) bool {
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
