package loyalty_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

// expired are tokens that must be renewed.
func expired() loyalty.Option {
	return loyalty.WithTokens(loyalty.Tokens{Access: "first", Refresh: "refresh", ExpiresAt: time.Now()})
}

// answerTokens writes the answer to a login or a refresh.
func answerTokens(w http.ResponseWriter, access, refresh string) {
	fmt.Fprintf(w, `{"accessToken":%q,"expiresAt":%q,"refreshToken":%q,"user":{"id":"me"}}`,
		access, time.Now().Add(time.Hour).Format(time.RFC3339), refresh)
}

func TestLoginIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { drop(t, w) })
	_, err := client(t, s).Login(t.Context(), "anna@example.com", "password")
	if n := len(s.headers("/api/v1/auth/login", "Accept")); err == nil || n != 1 {
		t.Errorf("got %v after %d requests, want an error after one", err, n)
	}
	if strings.Contains(fmt.Sprint(err), "password") {
		t.Errorf("the error contains the password: %v", err)
	}
}

func TestLoginIsRepeatedIfNotCarriedOut(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		switch n {
		case 1:
			fail(w, http.StatusTooManyRequests, loyalty.CodeRateLimited, "")
		case 2:
			fail(w, http.StatusRequestTimeout, loyalty.CodeRequestTimeout, "")
		default:
			fail(w, http.StatusServiceUnavailable, loyalty.CodeDependencyUnavailable, "")
		}
	})
	_, err := client(t, s).Login(t.Context(), "anna@example.com", "password")
	if n := len(s.headers("/api/v1/auth/login", "Accept")); !errors.Is(err, loyalty.CodeDependencyUnavailable) || n != 3 {
		t.Errorf("got %v after %d requests, want DEPENDENCY_UNAVAILABLE after three", err, n)
	}
}

func TestConcurrentCallsShareOneRefresh(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
		switch {
		case r.URL.Path == "/api/v1/auth/refresh" && n == 1:
			drop(t, w) // the answer is lost; the platform repeats it
		case r.URL.Path == "/api/v1/auth/refresh":
			fmt.Fprintf(w, `{"accessToken":"second","expiresAt":%q,"refreshToken":"next"}`, time.Now().Add(time.Hour).Format(time.RFC3339))
		case r.Header.Get("Authorization") != "Bearer second":
			fail(w, http.StatusUnauthorized, loyalty.CodeTokenExpired, "")
		default:
			_, _ = w.Write([]byte(`{"id":"me"}`))
		}
	})
	for name, first := range map[string]loyalty.Tokens{
		"before the expiry":          {Access: "first", Refresh: "refresh", ExpiresAt: time.Now().Add(5 * time.Second)},
		"refused by the platform":    {Access: "first", Refresh: "refresh", ExpiresAt: time.Now().Add(time.Hour)},
		"unknown time of the expiry": {Access: "first", Refresh: "refresh"},
	} {
		s.mu.Lock()
		s.requests, s.bodies = nil, nil
		s.mu.Unlock()
		var stored []loyalty.Tokens
		c := client(t, s, loyalty.WithTokens(first), loyalty.WithTokenObserver(func(t loyalty.Tokens) { stored = append(stored, t) }))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if me, err := c.GetMe(t.Context()); err != nil || me.ID != "me" {
					t.Errorf("%s: got %+v, %v", name, me, err)
				}
			})
		}
		wg.Wait()
		if n := len(s.headers("/api/v1/auth/refresh", "Accept")); n != 2 {
			t.Errorf("%s: %d refreshes, want 2 attempts of one", name, n)
		}
		if len(stored) != 1 || stored[0].Refresh != "next" || c.Tokens() != stored[0] {
			t.Errorf("%s: the observer got %+v", name, stored)
		}
	}
}

func TestLocalClockIsWrong(t *testing.T) {
	t.Parallel()
	const ahead = time.Hour // the clock of the platform is behind
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		now := time.Now().Add(-ahead)
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		if r.URL.Path == "/api/v1/auth/login" {
			fmt.Fprintf(w, `{"accessToken":"a","expiresAt":%q,"refreshToken":"r","user":{}}`, now.Add(10*time.Minute).Format(time.RFC3339))
			return
		}
		_, _ = w.Write([]byte(`{"id":"me"}`))
	})
	c := client(t, s)
	if _, err := c.Login(t.Context(), "e", "p"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.GetMe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.headers("/api/v1/auth/refresh", "Accept")); n != 0 {
		t.Errorf("%d refreshes of a token that is valid for ten minutes", n)
	}
}

func TestSessionsEnd(t *testing.T) { //nolint:tparallel // the subtests use the same server
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		switch r.URL.Path {
		case "/api/v1/auth/login":
			fmt.Fprintf(w, `{"accessToken":"new","expiresAt":%q,"refreshToken":"r","user":{"id":"me"}}`, time.Now().Add(time.Hour).Format(time.RFC3339))
		case "/api/v1/auth/refresh":
			fail(w, http.StatusUnauthorized, loyalty.CodeTokenReused, "")
		case "/api/v1/auth/logout":
			fail(w, http.StatusUnauthorized, loyalty.CodeTokenRevoked, "")
		default:
			if r.Header.Get("Authorization") != "Bearer new" {
				fail(w, http.StatusUnauthorized, loyalty.CodeTokenRevoked, "")
				return
			}
			_, _ = w.Write([]byte(`{"id":"me"}`))
		}
	})
	t.Run("with credentials", func(t *testing.T) {
		c := client(t, s, token(), loyalty.WithCredentials("anna@example.com", "password"))
		if me, err := c.GetMe(t.Context()); err != nil || me.ID != "me" {
			t.Errorf("got %+v, %v, want a new session", me, err)
		}
	})
	t.Run("while the access token is valid", func(t *testing.T) {
		c := client(t, s, loyalty.WithTokens(loyalty.Tokens{Access: "new", Refresh: "r", ExpiresAt: time.Now().Add(5 * time.Second)}))
		if _, err := c.GetMe(t.Context()); !errors.Is(err, loyalty.CodeTokenReused) {
			t.Errorf("got %v, want TOKEN_REUSED", err)
		}
	})
	t.Run("without credentials", func(t *testing.T) {
		c := client(t, s, token())
		if _, err := c.GetMe(t.Context()); !errors.Is(err, loyalty.CodeTokenReused) {
			t.Errorf("got %v, want TOKEN_REUSED", err)
		}
		if _, err := c.GetMe(t.Context()); !errors.Is(err, loyalty.ErrNoSession) {
			t.Errorf("got %v after the end of the session, want ErrNoSession", err)
		}
	})
	t.Run("logout", func(t *testing.T) {
		c := client(t, s)
		if _, err := c.Login(t.Context(), "anna@example.com", "password"); err != nil {
			t.Fatal(err)
		}
		if err := c.Logout(t.Context()); err != nil || c.Tokens() != (loyalty.Tokens{}) {
			t.Errorf("got %v, tokens %+v", err, c.Tokens())
		}
	})
}

func TestOutageOfTheRefresh(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.URL.Path == "/api/v1/auth/refresh" {
			fail(w, http.StatusServiceUnavailable, loyalty.CodeDependencyUnavailable, "")
			return
		}
		_, _ = w.Write([]byte(`{"id":"me"}`))
	})
	tokens := loyalty.Tokens{Access: "first", Refresh: "r", ExpiresAt: time.Now().Add(20 * time.Second)}
	c := client(t, s, loyalty.WithTokens(tokens), loyalty.WithMaxAttempts(2))
	if me, err := c.GetMe(t.Context()); err != nil || me.ID != "me" || c.Tokens() != tokens {
		t.Errorf("got %+v, %v, want an answer with the token that is still valid", me, err)
	}
}

func TestRefreshCookie(t *testing.T) {
	t.Parallel()
	var bodies []string
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, r.URL.Path+" "+string(body))
		cookie, _ := r.Cookie("__Secure-refresh_token")
		switch {
		case r.URL.Path == "/api/v1/auth/login":
			http.SetCookie(w, &http.Cookie{Name: "__Secure-refresh_token", Value: "one", Path: "/api/v1/auth", Secure: true, HttpOnly: true})
			_, _ = w.Write([]byte(`{"accessToken":"first","expiresAt":"2000-01-01T00:00:00Z","user":{"id":"me"}}`))
		case r.URL.Path == "/api/v1/auth/refresh" && cookie != nil && cookie.Value == "one":
			_, _ = w.Write([]byte(`{"accessToken":"second","expiresAt":"2999-01-01T00:00:00Z"}`))
		default:
			_, _ = w.Write([]byte(`{"id":"` + r.Header.Get("Authorization") + `"}`))
		}
	}))
	t.Cleanup(s.Close)
	c, err := loyalty.New(s.URL, loyalty.WithHTTPClient(s.Client()), loyalty.WithRefreshCookie())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Login(t.Context(), "a@example.com", "password"); err != nil {
		t.Fatal(err)
	}
	me, err := c.GetMe(t.Context())
	if err != nil || me.ID != "Bearer second" || c.Tokens().Refresh != "" {
		t.Errorf("got %+v, %v, want the second token", me, err)
	}
	if len(bodies) != 3 || !strings.Contains(bodies[0], `"refreshTokenIn":"COOKIE"`) || bodies[1] != "/api/v1/auth/refresh {}" {
		t.Errorf("the requests were %q", bodies)
	}
}

func TestRefreshWithoutAnAnswerIsRepeated(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
		switch {
		case r.URL.Path == "/api/v1/auth/refresh" && n == 1:
			<-r.Context().Done()
		case r.URL.Path == "/api/v1/auth/refresh":
			answerTokens(w, "second", "next")
		default:
			_, _ = w.Write([]byte(`{"id":"me"}`))
		}
	})
	var log bytes.Buffer
	c := client(t, s, expired(), loyalty.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	if me, err := c.GetMe(t.Context()); err != nil || me.ID != "me" || c.Tokens().Refresh != "next" {
		t.Errorf("got %+v, %v, tokens %+v, want the answer to the second attempt", me, err, c.Tokens())
	}
	// A second attempt of the call would be too late.
	if !strings.Contains(log.String(), "operation=refresh attempt=1") || strings.Contains(log.String(), "operation=getMe") {
		t.Errorf("want a second attempt of the refresh, logged\n%s", log.String())
	}
}

func TestOtherRefusalsKeepTheSession(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.URL.Path == "/api/v1/auth/logout" {
			fail(w, http.StatusForbidden, loyalty.CodeForbidden, "")
			return
		}
		http.Error(w, "<html>", http.StatusForbidden) // by a proxy
	})
	c := client(t, s, expired())
	before := c.Tokens()
	var e *loyalty.Error
	if _, err := c.GetMe(t.Context()); !errors.As(err, &e) || e.Status != http.StatusForbidden || c.Tokens() != before {
		t.Errorf("got %v after the refresh, tokens %+v", err, c.Tokens())
	}
	if err := c.Logout(t.Context()); !errors.Is(err, loyalty.CodeForbidden) || c.Tokens() != before {
		t.Errorf("got %v after the logout, tokens %+v", err, c.Tokens())
	}
}
