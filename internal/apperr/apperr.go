// Package apperr defines the errors that clients see. An Error has a code of the schema's enum AppErrorCode, details for the
// client, and a cause that appears only in the log. A generated table maps each code to its RPC code, HTTP status and title.
package apperr

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Code is the name of a value of AppErrorCode. The constants are generated from the schema.
type Code string

// Info describes how a code is transmitted.
type Info struct {
	// RPC is the number of the code in google.rpc.Code.
	RPC uint32
	// HTTP is the HTTP status of a REST response.
	HTTP int
	// Title is a short sentence for people.
	Title string
	// Retryable is true if the same request may succeed later.
	Retryable bool
	// Members are the names that [Error.With] accepts for the code.
	Members []string
}

// Info returns how the code is transmitted. An unknown code is transmitted as Internal.
func (c Code) Info() Info {
	if i, ok := table[c]; ok {
		return i
	}
	return table[Internal]
}

// Codes returns the Info of every code.
func Codes() map[Code]Info { return maps.Clone(table) }

// Violation is a rule that a request breaks.
type Violation struct {
	// Field is the path of the field as the client wrote it, such as "amount" or "player_ids[2]".
	Field string
	// Rule is the name of the rule, such as "string.max_len".
	Rule string
	// Message describes the problem.
	Message string
}

// Error is an error that a client may see.
type Error struct {
	Code Code
	// Detail explains this occurrence to people. It must not contain confidential information, because the caller sees it.
	Detail string
	// Violations are the broken rules of a ValidationFailed.
	Violations []Violation
	// Meta holds additional members of the error response, such as "transactionId".
	Meta map[string]string
	// RetryAfter is how long the client should wait before a retry. Zero means unknown.
	RetryAfter time.Duration
	cause      error
}

// New returns an error with a code and a formatted detail.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Invalid returns a ValidationFailed with one violation.
func Invalid(field, rule, format string, args ...any) *Error {
	return InvalidAll([]Violation{{Field: field, Rule: rule, Message: fmt.Sprintf(format, args...)}})
}

// InvalidAll returns a ValidationFailed with the given violations. Its detail lists their fields and messages.
func InvalidAll(violations []Violation) *Error {
	texts := make([]string, 0, len(violations))
	for _, v := range violations {
		text := v.Message
		if v.Field != "" {
			text = v.Field + ": " + text
		}
		texts = append(texts, text)
	}
	return &Error{Code: ValidationFailed, Violations: violations, Detail: strings.Join(texts, "; ")}
}

// WithCause returns a copy of e that wraps cause. Only the log shows the cause.
func (e *Error) WithCause(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// With returns a copy of e with one more member in Meta. If the schema does not declare the member for the code of e, With
// returns an Internal with a cause instead, so that no response has an undocumented member.
func (e *Error) With(key, value string) *Error {
	if !slices.Contains(e.Code.Info().Members, key) {
		return From(fmt.Errorf("the schema declares no member %q of %s: %s", key, e.Code, e.Error()))
	}
	c := *e
	c.Meta = maps.Clone(e.Meta)
	if c.Meta == nil {
		c.Meta = map[string]string{}
	}
	c.Meta[key] = value
	return &c
}

// Error returns the code, the detail and the cause, for the log.
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

// Is reports whether target is an *Error with the same code and no detail. errors.Is(err, &Error{Code: c}) uses it to test
// for a code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Detail == ""
}

// From returns the first *Error in the chain of err, or an Internal that wraps err.
func From(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: Internal, cause: err}
}

// CodeOf returns the code of err: Internal if err has no code, and "" if err is nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return From(err).Code
}
