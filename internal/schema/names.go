package schema

import "strings"

// initialisms maps lower-case words to their capitalization in Go names.
var initialisms = map[string]string{"id": "ID", "ids": "IDs", "url": "URL", "vip": "VIP", "rpc": "RPC", "http": "HTTP"}

// GoName returns the exported Go name of a proto name: "UserID" for "user_id", "NotFound" for "NOT_FOUND".
func GoName(proto string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(proto), "_") {
		if word == "" {
			continue
		}
		if s, ok := initialisms[word]; ok {
			b.WriteString(s)
			continue
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// Snake returns a Go or message name in snake case: "player_event" for "PlayerEvent".
func Snake(name string) string {
	var b strings.Builder
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// Plural returns the English plural of a Go name: "PromotionTypes" for "PromotionType".
func Plural(name string) string {
	switch {
	case strings.HasSuffix(name, "y"):
		return strings.TrimSuffix(name, "y") + "ies"
	case strings.HasSuffix(name, "s"), strings.HasSuffix(name, "x"), strings.HasSuffix(name, "ch"):
		return name + "es"
	}
	return name + "s"
}
