package rpcserver

import (
	"fmt"
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
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
)

// ruleQuery is the rule of a query parameter that is unknown or has the wrong type.
const ruleQuery = "query"

const paramMask = "update_mask"

// readQuery returns the valid query parameters. It adds a violation to info for each invalid parameter.
func (info *requestInfo) readQuery(raw string, rt *route) url.Values {
	given := ParseQuery(raw)
	valid := url.Values{}
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values := given[name]
		fd := rt.query[name]
		switch {
		case name == paramMask && rt.mask != nil:
			valid[name] = values
		case fd == nil:
			v := UnknownParameter(name)
			info.addViolation(v.Field, v.Rule, v.Message)
		case !fd.IsList() && len(values) > 1:
			info.addViolation(name, ruleQuery, "the parameter is given more than once")
		default:
			for _, v := range values {
				if text, expected := parameter(fd, v); expected != "" {
					info.addViolation(name, ruleQuery, expected+" is expected")
				} else {
					valid.Add(name, text)
				}
			}
		}
	}
	return valid
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

// parameter returns a value in the form that the transcoder reads. If the value is invalid, it returns a description of the
// expected value.
func parameter(fd protoreflect.FieldDescriptor, v string) (text, expected string) {
	if !utf8.ValidString(v) {
		return "", "text in UTF-8"
	}
	switch fd.Kind() {
	case protoreflect.StringKind:
		return v, ""
	case protoreflect.BoolKind:
		if v != "true" && v != "false" {
			return "", "true or false"
		}
		return v, ""
	case protoreflect.EnumKind:
		if _, ok := strictjson.EnumNumber(fd.Enum(), v); !ok {
			return "", "one of " + strictjson.EnumNames(fd.Enum())
		}
		return v, ""
	case protoreflect.Int32Kind:
		return integer(v, 32)
	case protoreflect.Int64Kind:
		return integer(v, 64)
	default:
		return "", "a field of the body"
	}
}

// integer returns a whole number in its canonical form. A number outside of the type's range becomes the nearest number in
// the range.
func integer(v string, bits int) (text, expected string) {
	digits := strings.TrimPrefix(v, "-")
	isDigit := func(c rune) bool { return c >= '0' && c <= '9' }
	if digits == "" || strings.TrimFunc(digits, isDigit) != "" || digits[0] == '0' && v != "0" {
		return "", "a whole number" // "+1" is refused, too: a form sends a space as "+"
	}
	n, _ := strconv.ParseInt(v, 10, bits) // on overflow ParseInt returns the nearest number
	return strconv.FormatInt(n, 10), ""
}

// readMask determines the fields that an update changes: the fields in update_mask or, without a mask, the members of the
// body. It reads the JSON body, because a decoded message does not distinguish a false member from an absent one.
func (info *requestInfo) readMask(query url.Values, body []byte, rt *route) {
	given := strings.Join(query[paramMask], ",")
	query.Del(paramMask)
	members, ok := strictjson.Members(body)
	if !ok {
		return // the codec refuses the body
	}
	fields := rt.resource.Message().Fields()
	if strings.Trim(given, ", ") == "" {
		for _, member := range members {
			if fd := fields.ByJSONName(member); fd != nil { // the codec refuses unknown members
				info.mask = append(info.mask, string(fd.Name()))
			}
		}
		return
	}
	if strings.Count(given, ",") >= limits.MaskNames {
		info.addViolation(paramMask, strictjson.RuleMaxItems, fmt.Sprintf("at most %d names are allowed", limits.MaskNames))
		return
	}
	for name := range strings.SplitSeq(given, ",") {
		fd := fields.ByJSONName(name)
		if fd == nil {
			shown := printable.Clip(name, limits.Echo)
			info.addViolation(paramMask, validation.RuleMask, `the body has no field "`+shown+`"`)
			continue
		}
		if slices.Contains(info.mask, string(fd.Name())) {
			continue
		}
		info.mask = append(info.mask, string(fd.Name()))
		if !slices.Contains(members, name) {
			info.addViolation(rt.resource.JSONName()+"."+name, validation.RuleRequired,
				"update_mask names the field but the body does not contain it")
		}
	}
}
