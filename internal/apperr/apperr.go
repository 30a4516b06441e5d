// Package apperr is the platform's error vocabulary. An Error carries a code of the schema's AppErrorCode and what a
// client may know; its cause stays in the process and its log. How a code travels is in the generated table.
package apperr

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// Code is the name of a value of AppErrorCode. The constants are generated from the schema.
type Code string

// Info is how a code travels.
type Info struct {
	// RPC is the number of the code in google.rpc.Code.
	RPC uint32
	// HTTP is the status over REST.
	HTTP int
	// Title is a short sentence for people.
	Title string
}

// Info returns how the code travels. An unknown code travels as Internal.
func (c Code) Info() Info {
	if i, ok := table[c]; ok {
		return i
	}
	return table[Internal]
}

// Codes returns every code with how it travels.
func Codes() map[Code]Info { return maps.Clone(table) }

// Violation is one rule that a request broke.
type Violation struct {
	// Field is the field's path as the client wrote it, "amount", "player_ids[2]".
	Field string
	// Rule is the rule's name, "string.max_len".
	Rule string
	// Message says what is wrong.
	Message string
}

// Error is an error that a client may see.
type Error struct {
	Code Code
	// Detail explains this occurrence to people; it holds nothing that the caller may not know.
	Detail string
	// Violations are set for ValidationFailed.
	Violations []Violation
	// Meta are further members of the answer, such as "transactionId".
	Meta map[string]string
	// RetryAfter says when it makes sense to ask again; zero says nothing.
	RetryAfter time.Duration
	cause      error
}

// New returns an error of a code, with a detail for people.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Invalid returns a ValidationFailed for one field.
func Invalid(field, rule, format string, args ...any) *Error {
	return InvalidAll([]Violation{{Field: field, Rule: rule, Message: fmt.Sprintf(format, args...)}})
}

// InvalidAll returns a ValidationFailed for all that is wrong.
func InvalidAll(violations []Violation) *Error {
	e := &Error{Code: ValidationFailed, Violations: violations}
	for i, v := range violations {
		if i > 0 {
			e.Detail += "; "
		}
		if v.Field != "" {
			e.Detail += v.Field + ": "
		}
		e.Detail += v.Message
	}
	return e
}

// WithCause returns a copy of e that wraps cause, which only the log sees.
func (e *Error) WithCause(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// With returns a copy of e with one more member.
func (e *Error) With(key, value string) *Error {
	c := *e
	c.Meta = maps.Clone(e.Meta)
	if c.Meta == nil {
		c.Meta = map[string]string{}
	}
	c.Meta[key] = value
	return &c
}

// Error describes e with its cause, for the log.
func (e *Error) Error() string {
	s := string(e.Code)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an *Error of the same code without detail, so that errors.Is(err, &Error{Code: c}) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Detail == ""
}

// From returns the first *Error in err's chain, or an Internal that wraps err.
func From(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: Internal, cause: err}
}

// CodeOf returns the code of err, Internal for an error without one and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return From(err).Code
}
