package strictjson

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// tokens splits JSON into tokens. The JSON must be well-formed; see [wellFormed]. It reads each byte once and checks
// nothing, so it is several times as fast as [json.Decoder].
type tokens struct {
	data []byte
	at   int // the offset of the next byte
}

// next returns the first byte of the next token without reading the token, or 0 at the end of the data. It skips commas and
// colons.
func (t *tokens) next() byte {
	for ; t.at < len(t.data); t.at++ {
		switch c := t.data[t.at]; c {
		case ' ', '\t', '\r', '\n', ':', ',':
		default:
			return c
		}
	}
	return 0
}

// more reports whether the current list or object has another element.
func (t *tokens) more() bool {
	c := t.next()
	return c != ']' && c != '}' && c != 0
}

// token reads the next token: a string, a json.Number, a bool, nil for null, or a json.Delim.
func (t *tokens) token() json.Token {
	switch c := t.next(); c {
	case '{', '}', '[', ']':
		t.at++
		return json.Delim(c)
	case '"':
		return unquote(t.raw())
	case 't', 'f':
		return t.raw()[0] == 't'
	case 'n', 0:
		t.raw()
		return nil
	default:
		return json.Number(t.raw())
	}
}

// raw reads the next value as it is written. It returns nil at the end of the data.
func (t *tokens) raw() []byte {
	first := t.next()
	start := t.at
	switch first {
	case 0:
		return nil
	case '"':
		t.at = t.afterString(start)
	case '{', '[':
		t.at = t.afterElements(start)
	default:
		for t.at < len(t.data) && !strings.ContainsRune(" \t\r\n,]}", rune(t.data[t.at])) {
			t.at++
		}
	}
	return t.data[start:t.at]
}

// afterString returns the offset after the string that begins at i.
func (t *tokens) afterString(i int) int {
	for i++; t.data[i] != '"'; i++ {
		if t.data[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// afterElements returns the offset after the list or object that begins at i.
func (t *tokens) afterElements(i int) int {
	for depth := 0; ; i++ {
		switch t.data[i] {
		case '"':
			i = t.afterString(i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}

// unquote returns the text of a quoted JSON string.
func unquote(quoted []byte) string {
	quoted = quoted[1 : len(quoted)-1]
	i := bytes.IndexByte(quoted, '\\')
	if i < 0 {
		return string(quoted)
	}
	text := make([]byte, 0, len(quoted))
	for ; i >= 0; i = bytes.IndexByte(quoted, '\\') {
		text = append(text, quoted[:i]...)
		quoted = quoted[i+1:]
		escape := quoted[0]
		quoted = quoted[1:]
		switch escape {
		case 'b':
			text = append(text, '\b')
		case 'f':
			text = append(text, '\f')
		case 'n':
			text = append(text, '\n')
		case 'r':
			text = append(text, '\r')
		case 't':
			text = append(text, '\t')
		case 'u':
			r := hex4(quoted)
			quoted = quoted[4:]
			if utf16.IsSurrogate(r) { // the first half of a pair: "\ud83d\ude00"
				r = utf16.DecodeRune(r, hex4(quoted[2:]))
				quoted = quoted[6:]
			}
			text = utf8.AppendRune(text, r)
		default: // a quote, a backslash or a slash
			text = append(text, escape)
		}
	}
	return string(append(text, quoted...))
}

// hex4 returns the number of the four hexadecimal digits at the beginning of data.
func hex4(data []byte) rune {
	n, _ := strconv.ParseUint(string(data[:4]), 16, 16)
	return rune(n)
}
