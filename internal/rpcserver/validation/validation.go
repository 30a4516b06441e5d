// Package validation normalizes requests and reports their violations. The rules come from the schema's field options:
// google.api.field_behavior, buf.validate, loyalty.options.v1.column and loyalty.options.v1.verbatim.
//
// Normalized text is trimmed, in Unicode NFC, has \n line endings, and is empty if none of its characters is visible.
// Normalized amounts have two decimal places. Other texts that people do not write, such as ids, dates and page tokens, are
// not changed (see the option verbatim), and neither are fields with debug_redact, such as passwords and tokens.
//
// Text must not contain control characters other than \n and \t, nor the characters that change the direction of text
// (U+202A to U+202E, U+2066 to U+2069), because such characters can make one text look like another. Text is checked before
// it is trimmed, so these characters are also refused at its beginning and its end. Markup is allowed; the program that
// displays it must escape it.
package validation

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
)

// Rules in violations, in addition to the rules of buf.validate such as "string.max_len".
const (
	RuleRequired   = "required"
	RuleOutputOnly = "output_only"
	RuleImmutable  = "immutable"
	RuleText       = "text"
	RuleMoney      = "money"
	RuleDate       = "date"
	RuleUUID       = "uuid"
	RuleEnum       = "enum.defined_only"
	RuleTimestamp  = "timestamp"
	RuleMask       = "update_mask"
	RuleMaxLen     = "string.max_len"
)

const requiredMessage = "the field is required"

// Validator checks messages. It is safe for concurrent use. Share one Validator, because New is expensive.
type Validator struct {
	rules protovalidate.Validator
	plans sync.Map // protoreflect.FullName → *plan
}

// New returns a Validator that has compiled the rules of the given messages. It compiles the rules of other messages on
// their first use.
func New(messages ...protoreflect.MessageDescriptor) (*Validator, error) {
	rules, err := protovalidate.New(protovalidate.WithMessageDescriptors(messages...))
	if err != nil {
		return nil, fmt.Errorf("validation rules: %w", err)
	}
	v := &Validator{rules: rules}
	for _, md := range messages {
		v.plan(md)
	}
	return v, nil
}

// Check normalizes m and returns its violations, at most one per field, with fields in JSON names. It returns an error if a
// rule of the schema cannot be evaluated.
//
// A message with an update_mask is an update. Its only other message field is the resource. Check examines only the masked
// fields of the resource and clears the others. If the mask is absent or empty, Check sets it to the fields that are set in
// the resource. After Check, the mask lists exactly the fields to change.
//
// found contains the violations that were found while the message was decoded. They come first in the result.
func (v *Validator) Check(m proto.Message, found ...apperr.Violation) ([]apperr.Violation, error) {
	c := &check{validator: v}
	for _, f := range found {
		c.refusef(f.Field, f.Rule, "%s", f.Message)
	}
	p := v.plan(m.ProtoReflect().Descriptor())
	var masked *masked
	if p.update != nil {
		masked = c.mask(p.update, m.ProtoReflect())
	}
	c.message(p, m.ProtoReflect(), "", masked)
	if err := c.evaluate(m, "", nil); err != nil {
		return nil, err
	}
	if masked != nil {
		if err := c.evaluate(masked.resource.Interface(), masked.field.JSONName(), masked.filter()); err != nil {
			return nil, err
		}
	}
	return c.violations, nil
}

// CheckEvent returns the violations of the payload of an event, like Check. It accepts what a producer may send and a client
// may not: output-only fields, values of enums that are newer than this schema, and absent fields that are not required. m
// is not changed.
func (v *Validator) CheckEvent(m proto.Message) ([]apperr.Violation, error) {
	m = proto.Clone(m)
	c := &check{validator: v, event: true}
	c.message(v.plan(m.ProtoReflect().Descriptor()), m.ProtoReflect(), "", nil)
	if err := c.evaluate(m, "", nil); err != nil {
		return nil, err
	}
	return c.violations, nil
}

// CheckText returns an error if a text contains a character that no text may contain.
func CheckText(s string) error {
	if _, bad, ok := normalize(s); !ok {
		return fmt.Errorf("the character %U is not allowed", bad)
	}
	return nil
}

// check collects the violations of one message.
type check struct {
	validator  *Validator
	event      bool // the message is the payload of an event
	violations []apperr.Violation
	seen       map[string]bool
}

// refusef adds a violation unless the field already has one or limits.Violations is reached. The first violation of a field
// is the most specific one.
func (c *check) refusef(path, rule, format string, args ...any) {
	if c.seen[path] || len(c.violations) >= limits.Violations {
		return
	}
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[path] = true
	c.violations = append(c.violations, apperr.Violation{Field: path, Rule: rule, Message: fmt.Sprintf(format, args...)})
}

// unread reports whether an element of the list at path already has a violation. Such an element may be missing in the list,
// so the rules of the whole list are not reported.
func (c *check) unread(path string) bool {
	for at := range c.seen {
		if strings.HasPrefix(at, path+"[") {
			return true
		}
	}
	return false
}

// evaluate adds the violations of the buf.validate rules.
func (c *check) evaluate(m proto.Message, prefix string, filter protovalidate.Filter) error {
	var options []protovalidate.ValidationOption
	if filter != nil {
		options = append(options, protovalidate.WithFilter(filter))
	}
	err := c.validator.rules.Validate(m, options...)
	var invalid *protovalidate.ValidationError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &invalid):
		return fmt.Errorf("validation of %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	for _, violation := range invalid.Violations {
		path := join(prefix, jsonPath(m.ProtoReflect().Descriptor(), violation.Proto.GetField()))
		rule, message := violation.Proto.GetRuleId(), violation.Proto.GetMessage()
		switch {
		case c.unread(path), c.event && rule == RuleEnum:
			continue
		case strings.HasSuffix(rule, "_empty"), isNotEmpty(violation): // such as "string.uuid_empty"
			rule, message = RuleRequired, requiredMessage
		case message == "":
			message = "violates the rule " + rule
		}
		c.refusef(path, rule, "%s", message)
	}
	return nil
}

// isNotEmpty reports whether a violation breaks the rule that a string has at least one character.
func isNotEmpty(v *protovalidate.Violation) bool {
	return v.Proto.GetRuleId() == "string.min_len" && v.RuleValue.IsValid() && v.RuleValue.Uint() == 1
}

// jsonPath converts a field path of buf.validate to JSON names.
func jsonPath(md protoreflect.MessageDescriptor, path *validate.FieldPath) string {
	var b strings.Builder
	for _, e := range path.GetElements() {
		name := e.GetFieldName()
		if md != nil {
			if fd := md.Fields().ByNumber(protoreflect.FieldNumber(e.GetFieldNumber())); fd != nil {
				name, md = fd.JSONName(), fd.Message()
			}
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(name)
		switch s := e.GetSubscript().(type) {
		case *validate.FieldPathElement_Index:
			fmt.Fprintf(&b, "[%d]", s.Index)
		case *validate.FieldPathElement_StringKey:
			fmt.Fprintf(&b, "[%q]", s.StringKey)
		}
	}
	return b.String()
}

func join(path, name string) string {
	switch {
	case path == "":
		return name
	case name == "":
		return path
	}
	return path + "." + name
}
