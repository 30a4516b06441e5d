// Package loyalty is a client of the loyalty platform. It has one method for each route of the REST API, and
// [Client.Inbox] for live notifications.
//
//	client, err := loyalty.New("https://loyalty.example", loyalty.WithCredentials(email, password))
//	me, err := client.GetMe(ctx)
//
// The client logs in when it is first used. It refreshes its tokens before they expire. It repeats calls after outages if
// that cannot repeat their effect. For this, every call that changes something has an Idempotency-Key, which stays the same
// when the call is repeated.
//
// All methods are safe for concurrent use. Errors of the platform are of type [*Error]:
//
//	if errors.Is(err, loyalty.CodePromotionAlreadyClaimed) { … }
package loyalty

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"runtime"
	"strings"
	"time"
)

// Version is the version of this package. It is part of the User-Agent.
const Version = "0.1.0"

// Client calls the platform as one user, or as nobody. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	http    *http.Client
	log     *slog.Logger
	agent   string
	timeout time.Duration
	retries policy
	session session
}

// Option configures a [Client].
type Option func(*Client) error

// New returns a client of the platform at a base URL such as "https://loyalty.example". It sends nothing.
func New(baseURL string, options ...Option) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(baseURL, "/"))
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("loyalty: the base URL %q is not an http or https URL", baseURL)
	}
	c := &Client{
		base: base, http: &http.Client{}, log: slog.New(slog.DiscardHandler), timeout: time.Minute,
		agent:   "loyalty-go/" + Version + " (" + runtime.Version() + ")",
		retries: policy{attempts: 6, initial: 100 * time.Millisecond, max: 5 * time.Second, timeout: attemptTimeout},
	}
	for _, o := range options {
		if err := o(c); err != nil {
			return nil, err
		}
	}
	direct := *c.http
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &direct
	return c, nil
}

// WithCredentials makes the client log in with an e-mail and a password when it has no session. It keeps the password in
// memory, and replaces it after [Client.ChangeMyPassword].
func WithCredentials(email, password string) Option {
	return func(c *Client) error {
		if email == "" || password == "" {
			return errors.New("loyalty: the e-mail or the password is empty")
		}
		c.session.credentials = &LoginRequest{Email: email, Password: password}
		return nil
	}
}

// WithTokens continues a session whose tokens were stored; see [WithTokenObserver].
func WithTokens(t Tokens) Option {
	return func(c *Client) error {
		c.session.tokens = t
		return nil
	}
}

// WithTokenObserver calls observe with the new tokens after each login and refresh, and with empty tokens after the end of
// the session. Use it to store the session. observe must not call the client.
func WithTokenObserver(observe func(Tokens)) Option {
	return func(c *Client) error {
		c.session.observe = observe
		return nil
	}
}

// WithRefreshCookie keeps the refresh token in a cookie that only the HTTP client sees, and not in [Tokens]. It needs an
// https URL.
func WithRefreshCookie() Option {
	return func(c *Client) error {
		if c.base.Scheme != "https" {
			return errors.New("loyalty: a refresh cookie needs an https URL")
		}
		c.session.cookie = true
		if c.http.Jar != nil {
			return nil
		}
		jar, err := cookiejar.New(nil)
		withJar := *c.http
		withJar.Jar = jar
		c.http = &withJar
		return err
	}
}

// WithHTTPClient sets the HTTP client, for example for a proxy or another certificate authority. Redirects are not followed.
// Give it before [WithRefreshCookie].
func WithHTTPClient(h *http.Client) Option {
	return func(c *Client) error {
		c.http = h
		return nil
	}
}

// WithLogger logs requests at the level Debug, and retries and reconnections at Info. Tokens, passwords and bodies are never
// logged.
func WithLogger(log *slog.Logger) Option {
	return func(c *Client) error {
		c.log = log
		return nil
	}
}

// WithUserAgent adds the name of your program to the User-Agent, such as "casino-app/2.1".
func WithUserAgent(product string) Option {
	return func(c *Client) error {
		c.agent = product + " " + c.agent
		return nil
	}
}

// WithTimeout limits the duration of a call with all its retries. The default is one minute. A context with an earlier
// deadline takes precedence.
func WithTimeout(d time.Duration) Option {
	return func(c *Client) error {
		if d <= 0 {
			return errors.New("loyalty: the timeout is not positive")
		}
		c.timeout = d
		return nil
	}
}

// WithMaxAttempts sets how often a call is tried at most. The default is 6; 1 turns retries off.
func WithMaxAttempts(n int) Option {
	return func(c *Client) error {
		if n < 1 {
			return errors.New("loyalty: the number of attempts is not positive")
		}
		c.retries.attempts = n
		return nil
	}
}
