// Package validation brings requests into their normal form and says everything that is wrong with them, from what the
// schema says about their fields: google.api.field_behavior, buf.validate and loyalty.options.v1.column.
//
// Normal form: text is trimmed, in Unicode NFC and with \n line ends, and empty where nothing of it can be seen; amounts
// have two places. Fields marked debug_redact (passwords, tokens) are left as they are. Refused in text are control
// characters other than \n and \t, and the marks that change the direction of what follows (U+202A to U+202E, U+2066 to
// U+2069), with which text is made to look like another. Markup is data like any other; who shows it escapes it.
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
)

// Rules that a violation can name, beside those of buf.validate ("string.max_len").
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
)

const requiredMessage = "the field is required"

// maxViolations bounds the answer to a request with a thousand wrong elements.
const maxViolations = 100

// Validator checks messages. It is safe for concurrent use; share one, since building it is expensive.
type Validator struct {
	rules protovalidate.Validator
	plans sync.Map // protoreflect.FullName → *plan
}

// New returns a Validator that knows the rules of the given messages, and learns those of others when it meets them.
func New(known ...protoreflect.MessageDescriptor) (*Validator, error) {
	rules, err := protovalidate.New(protovalidate.WithMessageDescriptors(known...))
	if err != nil {
		return nil, fmt.Errorf("validation rules: %w", err)
	}
	v := &Validator{rules: rules}
	for _, md := range known {
		v.plan(md)
	}
	return v, nil
}

// Check brings m into its normal form and returns what is wrong with it, in JSON names, one violation a field. An error
// means that a rule of the schema cannot be evaluated.
//
// A message with an update_mask is an update: of its resource (its one other message field) only the masked fields are
// checked and kept. Without a mask the fields that are set are meant, and the mask is filled in accordingly, so that a
// use case always finds in it exactly the fields to change; none is a change of nothing.
//
// What was found wrong with the message before, while it was read, is passed as found and comes first in the answer.
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

// check collects the violations of one message.
type check struct {
	validator  *Validator
	violations []apperr.Violation
	seen       map[string]bool
}

// refusef adds a violation, unless its field has one already: the first says the most.
func (c *check) refusef(path, rule, format string, args ...any) {
	if c.seen[path] || len(c.violations) >= maxViolations {
		return
	}
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[path] = true
	c.violations = append(c.violations, apperr.Violation{Field: path, Rule: rule, Message: fmt.Sprintf(format, args...)})
}

// unread reports whether an element of the list at path was wrong already: it may be missing in the list by that.
func (c *check) unread(path string) bool {
	for at := range c.seen {
		if strings.HasPrefix(at, path+"[") {
			return true
		}
	}
	return false
}

// evaluate adds the violations of buf.validate's rules.
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
		case c.unread(path):
			continue
		case strings.HasSuffix(rule, "_empty"): // of a format, as in "string.uuid_empty"
			rule, message = RuleRequired, requiredMessage
		case message == "":
			message = "breaks the rule " + rule
		}
		c.refusef(path, rule, "%s", message)
	}
	return nil
}

// jsonPath writes a path of buf.validate in JSON names.
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
