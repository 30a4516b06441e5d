package rpcserver

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/printable"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/strictjson"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
)

const paramMask = "update_mask"

// readMask returns the paths of the fields that an update changes: the fields in update_mask or, without a mask, the members
// of the body. It reads the JSON body, because a decoded message does not distinguish a false member from an absent one.
func (info *requestInfo) readMask(query url.Values) []string {
	sent, ok := sentFields(info.body, info.route.resource.Message())
	if !ok {
		return nil // the decoder refuses the body
	}
	given := strings.Join(query[paramMask], ",")
	if strings.Trim(given, ", ") == "" {
		return sent
	}
	if strings.Count(given, ",") >= limits.MaskNames {
		info.addViolation(paramMask, strictjson.RuleMaxItems, fmt.Sprintf("at most %d names are allowed", limits.MaskNames))
		return nil
	}
	var mask []string
	for name := range strings.SplitSeq(given, ",") {
		path, ok := maskPath(info.route.resource.Message(), name)
		if !ok {
			shown := printable.Clip(name, limits.Echo)
			info.addViolation(paramMask, validation.RuleMask, `the body has no field "`+shown+`"`)
			continue
		}
		if slices.Contains(mask, path) {
			continue
		}
		mask = append(mask, path)
		if !isSent(info.body, name) {
			info.addViolation(info.route.resource.JSONName()+"."+name, validation.RuleRequired,
				"update_mask names the field but the body does not contain it")
		}
	}
	return mask
}

// maskPath returns the path in proto names for a path in JSON names: a field, or an embedded message and one of its members.
func maskPath(md protoreflect.MessageDescriptor, name string) (path string, ok bool) {
	first, rest, nested := strings.Cut(name, ".")
	fd := md.Fields().ByJSONName(first)
	if fd == nil || !nested {
		return nameOf(fd), fd != nil
	}
	if !validation.IsEmbedded(fd) {
		return "", false
	}
	member := fd.Message().Fields().ByJSONName(rest)
	return nameOf(fd) + "." + nameOf(member), member != nil
}

func nameOf(fd protoreflect.FieldDescriptor) string {
	if fd == nil {
		return ""
	}
	return string(fd.Name())
}

// sentFields returns the paths of the fields that a JSON object contains, in proto names. An embedded message counts as its
// members. It skips unknown members, which the decoder refuses, and returns false if body is not an object.
func sentFields(body []byte, md protoreflect.MessageDescriptor) ([]string, bool) {
	members, ok := strictjson.Members(body)
	if !ok {
		return nil, false
	}
	var paths []string
	for _, name := range members {
		fd := md.Fields().ByJSONName(name)
		if fd == nil {
			continue
		}
		if value := strictjson.Value(strictjson.Member(body, name)); validation.IsEmbedded(fd) && value != nil {
			parts, _ := sentFields(value, fd.Message())
			for _, part := range parts {
				paths = append(paths, nameOf(fd)+"."+part)
			}
			continue
		}
		paths = append(paths, nameOf(fd))
	}
	return paths, true
}

// isSent reports whether a JSON object contains a path in JSON names.
func isSent(body []byte, path string) bool {
	name, rest, nested := strings.Cut(path, ".")
	value := strictjson.Member(body, name)
	return value != nil && (!nested || isSent(value, rest))
}
