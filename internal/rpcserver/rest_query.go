package rpcserver

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/printable"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/strictjson"
)

// ruleQuery is the rule of a query parameter that is unknown or has the wrong type.
const ruleQuery = "query"

// bindQuery sets the fields of m from the query of a REST request, except the update mask. It adds a violation to info for
// each invalid parameter. It returns all parameters.
func (info *requestInfo) bindQuery(m protoreflect.Message) url.Values {
	given := ParseQuery(info.url.RawQuery)
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values := given[name]
		fd := info.route.query[name]
		switch {
		case name == paramMask && info.route.mask != nil:
		case fd == nil:
			v := UnknownParameter(name)
			info.addViolation(v.Field, v.Rule, v.Message)
		case !fd.IsList() && len(values) > 1:
			info.addViolation(name, ruleQuery, "the parameter is given more than once")
		default:
			for _, text := range values {
				value, expected := parameter(fd, text)
				switch {
				case expected != "":
					info.addViolation(name, ruleQuery, expected+" is expected")
				case fd.IsList():
					m.Mutable(fd).List().Append(value)
				default:
					m.Set(fd, value)
				}
			}
		}
	}
	return given
}

// addViolation adds a violation unless there are enough.
func (info *requestInfo) addViolation(field, rule, message string) {
	if len(info.violations) >= limits.Violations {
		return
	}
	info.violations = append(info.violations, apperr.Violation{Field: field, Rule: rule, Message: message})
}

// UnknownParameter returns the violation of a query parameter that the route does not have.
func UnknownParameter(name string) apperr.Violation {
	return apperr.Violation{Field: printable.Clip(name, limits.Echo), Rule: ruleQuery, Message: "unknown parameter"}
}

// ParseQuery parses a query as the URL standard of browsers does: only "&" separates parameters, empty parameters are
// ignored, "+" is a space, and a "%" that does not begin an escape sequence is kept. In contrast, url.ParseQuery refuses
// semicolons and incomplete escape sequences.
func ParseQuery(raw string) url.Values {
	values := url.Values{}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "" && value == "" {
			continue
		}
		name = unescapeQuery(name)
		values[name] = append(values[name], unescapeQuery(value))
	}
	return values
}

func unescapeQuery(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b.WriteByte(' ')
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			n, _ := strconv.ParseUint(s[i+1:i+3], 16, 8) // two hexadecimal digits always fit
			b.WriteByte(byte(n))
			i += 2
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// parameter returns the value of a parameter. If it is invalid, parameter returns a description of the expected value.
func parameter(fd protoreflect.FieldDescriptor, text string) (value protoreflect.Value, expected string) {
	if !utf8.ValidString(text) {
		return value, "text in UTF-8"
	}
	switch fd.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text), ""
	case protoreflect.BoolKind:
		if text != "true" && text != "false" {
			return value, "true or false"
		}
		return protoreflect.ValueOfBool(text == "true"), ""
	case protoreflect.EnumKind:
		n, ok := strictjson.EnumNumber(fd.Enum(), text)
		if !ok {
			return value, "one of " + strictjson.EnumNames(fd.Enum())
		}
		return protoreflect.ValueOfEnum(n), ""
	case protoreflect.Int32Kind:
		n, expected := integer(text, 32)
		return protoreflect.ValueOfInt32(int32(n)), expected
	case protoreflect.Int64Kind:
		n, expected := integer(text, 64)
		return protoreflect.ValueOfInt64(n), expected
	default:
		return value, "a field of the body"
	}
}

// integer parses a whole number. A number outside of the type's range becomes the nearest number in the range.
func integer(text string, bits int) (n int64, expected string) {
	digits := strings.TrimPrefix(text, "-")
	isDigit := func(c rune) bool { return c >= '0' && c <= '9' }
	if digits == "" || strings.TrimFunc(digits, isDigit) != "" || digits[0] == '0' && text != "0" {
		return 0, "a whole number" // "+1" is refused, too: a form sends a space as "+"
	}
	n, _ = strconv.ParseInt(text, 10, bits) // on overflow ParseInt returns the nearest number
	return n, ""
}
