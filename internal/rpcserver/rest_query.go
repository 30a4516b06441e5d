package rpcserver

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/strictjson"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
)

// ruleQuery: a query parameter that the route does not know, or of the wrong type.
const ruleQuery = "query"

const paramMask = "update_mask"

// readQuery returns the parameters that are good, and notes the others.
func (x *requestInfo) readQuery(raw string, rt *route) (url.Values, error) {
	given, err := url.ParseQuery(raw)
	if err != nil {
		return nil, apperr.Invalid("", ruleQuery, "the query is malformed")
	}
	good := url.Values{}
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
			good[name] = values
		case fd == nil:
			x.refuse(clip(name), ruleQuery, "there is no such parameter")
		case !fd.IsList() && len(values) > 1:
			x.refuse(name, ruleQuery, "the parameter is given more than once")
		default:
			for _, v := range values {
				if text, expected := parameter(fd, v); expected != "" {
					x.refuse(name, ruleQuery, expected+" is expected")
				} else {
					good.Add(name, text)
				}
			}
		}
	}
	return good, nil
}

func (x *requestInfo) refuse(field, rule, message string) {
	x.found = append(x.found, apperr.Violation{Field: field, Rule: rule, Message: message})
}

// parameter returns a value in the form that the transcoder reads, or what is expected in its place.
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
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		bits := 32
		if fd.Kind() == protoreflect.Int64Kind {
			bits = 64
		}
		n, err := strconv.ParseInt(v, 10, bits)
		if err != nil || strconv.FormatInt(n, 10) != v { // "+1" neither, which a form makes of a space
			return "", "a whole number"
		}
		return v, ""
	default:
		return "", "a field of the body"
	}
}

// readMask finds out which fields an update changes: those that update_mask names, else the members of the body. Only
// here the body still shows which members it has; a message does not tell false from absent.
func (x *requestInfo) readMask(query url.Values, body []byte, rt *route) {
	named := query[paramMask]
	query.Del(paramMask)
	members, ok := strictjson.Members(body)
	if !ok {
		return // the codec refuses the body
	}
	fields := rt.resource.Message().Fields()
	if strings.Join(named, "") == "" {
		for _, member := range members {
			if fd := fields.ByJSONName(member); fd != nil { // others are refused by the codec
				x.mask = append(x.mask, string(fd.Name()))
			}
		}
		return
	}
	for name := range strings.SplitSeq(strings.Join(named, ","), ",") {
		fd := fields.ByJSONName(name)
		if fd == nil {
			x.refuse(paramMask, validation.RuleMask, strconv.Quote(clip(name))+" is no field of the body")
			continue
		}
		x.mask = append(x.mask, string(fd.Name()))
		if !slices.Contains(members, name) {
			x.refuse(rt.resource.JSONName()+"."+name, validation.RuleRequired,
				"the field is named by update_mask and missing in the body")
		}
	}
}

// clip shortens a client's text to what an answer repeats.
func clip(s string) string {
	const most = 64
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strings.ToValidUTF8(s, "")
}
