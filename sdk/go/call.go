package loyalty

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// attemptTimeout limits one attempt of a call. The platform answers within 20 seconds.
const attemptTimeout = 25 * time.Second

// operation describes a route.
type operation struct {
	name, verb, path string
	auth             authKind
	repeat           repeatKind
}

// authKind is the token that a route needs.
type authKind int

const (
	authNone authKind = iota
	authAccess
	authRefresh
)

// repeatKind says when a call may be repeated after its answer was lost.
type repeatKind int

const (
	repeatNo    repeatKind = iota
	repeatSafe             // the call changes nothing
	repeatKey              // with the same Idempotency-Key
	repeatToken            // with the same refresh token, for ten seconds
)

// arguments are the arguments of a call.
type arguments struct {
	path    []string
	query   url.Values
	body    any
	out     any
	token   string // the refresh token of a route that needs one
	options []CallOption
}

// CallOption changes one call.
type CallOption func(*callOptions)

type callOptions struct {
	key string
	err error
}

var errInvalidKey = errors.New("the Idempotency-Key is not 1 to 200 printable ASCII characters, or has a space at an end")

// validKey reports whether key can be an Idempotency-Key. HTTP would remove spaces at its beginning and its end.
func validKey(key string) bool {
	unprintable := func(r rune) bool { return r < ' ' || r > '~' }
	return len(key) >= 1 && len(key) <= 200 && strings.Trim(key, " ") == key && !strings.ContainsFunc(key, unprintable)
}

// WithIdempotencyKey sets the Idempotency-Key of a call: 1 to 200 printable ASCII characters. Without it, the client makes a
// new key for each call. Give a key to repeat a call safely after a restart of your program. Each logical call needs a new
// key. A call with an invalid key fails and sends nothing.
func WithIdempotencyKey(key string) CallOption {
	return func(o *callOptions) {
		o.key, o.err = key, nil
		if !validKey(key) {
			o.err = errInvalidKey
		}
	}
}

// call makes a call and decodes the answer. It retries the call as the policy allows.
func (c *Client) call(ctx context.Context, op operation, a arguments) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var o callOptions
	for _, option := range a.options {
		option(&o)
	}
	if o.err != nil {
		return fmt.Errorf("loyalty: %s: %w", op.name, o.err)
	}
	if op.repeat == repeatKey && o.key == "" {
		o.key = rand.Text()
	}
	var body []byte
	if a.body != nil {
		var err error
		if body, err = json.Marshal(a.body); err != nil {
			return fmt.Errorf("loyalty: %s: %w", op.name, err)
		}
	}
	renewed := false
	for attempt := 1; ; attempt++ {
		token, err := c.tokenFor(ctx, op, a)
		if err == nil {
			err = c.attempt(ctx, op, a, body, token, o.key)
		}
		if err == nil {
			c.session.succeeded(a, token)
			return nil
		}
		if op.auth == authAccess && token != "" && !renewed && isTokenError(err) {
			renewed = true
			if err = c.session.renew(ctx, c, token); err == nil {
				continue
			}
		}
		wait, again := c.retries.next(attempt, op, err)
		if deadline, ok := ctx.Deadline(); !again || ok && time.Until(deadline) < wait {
			return err
		}
		c.log.LogAttrs(ctx, slog.LevelInfo, "retrying a call", slog.String("operation", op.name),
			slog.Int("attempt", attempt), slog.Duration("after", wait), slog.Any("error", err))
		if sleep(ctx, wait) != nil {
			return err
		}
	}
}

// tokenFor returns the token of a call, or an empty token.
func (c *Client) tokenFor(ctx context.Context, op operation, a arguments) (string, error) {
	switch op.auth {
	case authAccess:
		return c.session.access(ctx, c)
	case authRefresh:
		return a.token, nil
	default:
		return "", nil
	}
}

// attempt sends a request once.
func (c *Client) attempt(ctx context.Context, op operation, a arguments, body []byte, token, key string) error {
	ctx, cancel := context.WithTimeout(ctx, c.retries.timeout)
	defer cancel()
	path := fill(op.path, a.path)
	target := c.base.String() + path
	if len(a.query) > 0 {
		target += "?" + a.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, op.verb, target, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("loyalty: %s: %w", op.name, err)
	}
	r.Header.Set("User-Agent", c.agent)
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	if name := invalidHeader(r.Header); name != "" {
		return fmt.Errorf("loyalty: %s: the header %s has a control character", op.name, name)
	}
	start := time.Now()
	response, err := c.http.Do(r)
	if err != nil {
		c.log.LogAttrs(ctx, slog.LevelDebug, "request failed", slog.String("operation", op.name), slog.Any("error", err))
		return &transportError{op.name, err}
	}
	defer response.Body.Close()
	c.session.setClock(response.Header.Get("Date"))
	c.log.LogAttrs(ctx, slog.LevelDebug, "request", slog.String("operation", op.name), slog.Int("status", response.StatusCode),
		slog.Duration("took", time.Since(start)), slog.String("request_id", response.Header.Get("X-Request-Id")))
	if response.StatusCode >= http.StatusMultipleChoices {
		return readError(response)
	}
	if a.out == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxProblem)) // so that the connection can be used again
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(a.out); err != nil {
		return &transportError{op.name, fmt.Errorf("read the answer: %w", err)}
	}
	return nil
}

// invalidHeader returns the name of a header that cannot be sent, or an empty name.
func invalidHeader(h http.Header) string {
	control := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	for name := range h {
		if strings.ContainsFunc(h.Get(name), control) {
			return name
		}
	}
	return ""
}

// fill replaces the variables of a path, in their order, with escaped values.
func fill(path string, values []string) string {
	for _, value := range values {
		before, rest, _ := strings.Cut(path, "{")
		_, after, _ := strings.Cut(rest, "}")
		if value == "" || value == "." || value == ".." {
			value = "{" + value + "}" // the platform refuses it and names the field; the segment would be another route
		}
		path = before + url.PathEscape(value) + after
	}
	return path
}

// transportError means that no answer was received.
type transportError struct {
	operation string
	err       error
}

func (e *transportError) Error() string { return "loyalty: " + e.operation + ": " + e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

// policy says when a call is repeated: after a delay that doubles from initial to max, with full jitter. timeout limits one
// attempt.
type policy struct {
	attempts     int
	initial, max time.Duration
	timeout      time.Duration
}

// next returns the delay after the given number of attempts, and whether the call may be repeated.
func (p policy) next(attempt int, op operation, err error) (time.Duration, bool) {
	wait := p.delay(attempt)
	var answered *Error
	var lost *transportError
	switch {
	case attempt >= p.attempts:
		return 0, false
	case errors.As(err, &answered):
		return max(wait, answered.RetryAfter), answered.Retryable() && (op.repeat != repeatNo || answered.notCarriedOut())
	case errors.As(err, &lost):
		return wait, !errors.Is(err, context.Canceled) && (op.repeat != repeatNo || notSent(err))
	default:
		return 0, false
	}
}

// delay returns a random delay.
func (p policy) delay(attempt int) time.Duration {
	limit := min(p.initial<<min(attempt-1, 16), p.max)
	return limit/2 + jitter(limit/2)
}

// notSent reports whether no connection was made, so that the platform cannot have received the request.
func notSent(err error) bool {
	var e *net.OpError
	return errors.As(err, &e) && e.Op == "dial"
}

// sleep waits until d has passed or ctx has ended.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// pages yields the entries of all pages.
func pages[T any](read func(token string) (entries []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for token := ""; ; {
			entries, next, err := read(token)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			token = next
		}
	}
}

// query collects the parameters that are set.
type query url.Values

func (q query) text(name, value string) {
	if value != "" {
		q[name] = []string{value}
	}
}

func (q query) integer(name string, value int) { //nolint:unparam // the generated code chooses the name
	if value != 0 {
		q[name] = []string{strconv.Itoa(value)}
	}
}

func (q query) boolean(name string, value *bool) {
	if value != nil {
		q[name] = []string{strconv.FormatBool(*value)}
	}
}

// isTokenError reports whether the platform has refused an access token, so that a new one may help.
func isTokenError(err error) bool {
	var e *Error
	return errors.As(err, &e) && slices.Contains([]Code{CodeTokenExpired, CodeTokenRevoked, CodeTokenInvalid}, e.Code)
}
