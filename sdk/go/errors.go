package loyalty

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Code is an error code of the platform. Compare it with errors.Is:
//
//	errors.Is(err, loyalty.CodeNotFound)
type Code string //nolint:errname // it is the code of an error, and a target of errors.Is

// Error implements error, so that codes can be targets of errors.Is.
func (c Code) Error() string { return string(c) }

// Error is an error that the platform has answered.
type Error struct {
	// Code is the error code. It is empty if the answer was not made by the platform, for example by a proxy.
	Code Code `json:"code"`
	// Status is the HTTP status.
	Status int `json:"status"`
	// Title says what the code means, and Detail what happened in this case.
	Title  string `json:"title"`
	Detail string `json:"detail"`
	// RequestID finds the request in the logs of the platform.
	RequestID string `json:"requestId"`
	// Violations name the invalid fields if the code is CodeValidationFailed.
	Violations []Violation `json:"violations"`
	// TransactionID is the transaction that CodePromotionAlreadyClaimed and CodeTransactionAlreadyReversed name.
	TransactionID string `json:"transactionId"`
	// RetryAfter is the time after which the platform suggests a retry, or zero.
	RetryAfter time.Duration `json:"-"`
}

// Violation is a rule that a request breaks.
type Violation struct {
	// Field is the member or parameter, such as "player_ids[2]".
	Field string `json:"field"`
	// Rule is the name of the rule.
	Rule string `json:"rule"`
	// Message says what is wrong.
	Message string `json:"message"`
}

// Error implements error. The text has the code, the detail and the request id.
func (e *Error) Error() string {
	text := fmt.Sprintf("loyalty: status %d", e.Status)
	if e.Code != "" {
		text = "loyalty: " + string(e.Code) + ": " + e.Detail
	}
	parts := []string{text}
	for _, v := range e.Violations {
		parts = append(parts, v.Field+": "+v.Message)
	}
	text = strings.Join(parts, "; ")
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// Is reports whether target is the code of e.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// Retryable reports whether the same call may succeed later. The client has already retried it if that was safe.
func (e *Error) Retryable() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

// notCarriedOut reports whether the platform has refused the call without any effect.
func (e *Error) notCarriedOut() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout
}

// maxProblem is the maximum size of a problem document, in bytes.
const maxProblem = 1 << 20

// readError reads the error of a response.
func readError(r *http.Response) *Error {
	e := &Error{}
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxProblem))
	if json.Unmarshal(body, e) != nil {
		*e = Error{}
	}
	e.Status = r.StatusCode
	if e.RequestID == "" {
		e.RequestID = r.Header.Get("X-Request-Id")
	}
	if seconds, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return e
}
