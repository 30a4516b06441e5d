package schema

import "strings"

// initialisms are the words that Go writes in capitals.
var initialisms = map[string]string{"id": "ID", "ids": "IDs", "url": "URL", "vip": "VIP", "rpc": "RPC", "http": "HTTP"}

// GoName writes a proto name, "user_id" or "NOT_FOUND", as an exported Go name: "UserID", "NotFound".
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

// Snake writes a Go or message name, "PlayerEvent", as "player_event".
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

// Plural is the English plural of a Go name: "PromotionType" becomes "PromotionTypes".
func Plural(name string) string {
	switch {
	case strings.HasSuffix(name, "y"):
		return strings.TrimSuffix(name, "y") + "ies"
	case strings.HasSuffix(name, "s"), strings.HasSuffix(name, "x"), strings.HasSuffix(name, "ch"):
		return name + "es"
	}
	return name + "s"
}
