package loyalty_test

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

func TestLoginDuringARenewal(t *testing.T) {
	t.Parallel()
	for name, refresh := range map[string]func(http.ResponseWriter){
		"that succeeds": func(w http.ResponseWriter) { answerTokens(w, "renewed", "renewed") },
		"that fails":    func(w http.ResponseWriter) { fail(w, http.StatusUnauthorized, loyalty.CodeTokenReused, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started, release := make(chan struct{}), make(chan struct{})
			s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				switch r.URL.Path {
				case "/api/v1/auth/refresh":
					close(started)
					<-release
					refresh(w)
				case "/api/v1/auth/login":
					answerTokens(w, "login", "login")
				default:
					_, _ = w.Write([]byte(`{"id":"` + r.Header.Get("Authorization") + `"}`))
				}
			})
			c := client(t, s, expired())
			called := make(chan error, 1)
			go func() {
				me, err := c.GetMe(t.Context())
				if err == nil && me.ID != "Bearer login" {
					err = errors.New("called with " + me.ID)
				}
				called <- err
			}()
			<-started
			if _, err := c.Login(t.Context(), "anna@example.com", "password"); err != nil {
				t.Error(err)
			}
			close(release)
			if err := <-called; err != nil || c.Tokens().Refresh != "login" {
				t.Errorf("got %v, tokens %+v, want those of the login", err, c.Tokens())
			}
		})
	}
}

func TestRenewalDuringALogout(t *testing.T) {
	t.Parallel()
	loggingOut, refreshing, loggedOut := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		switch r.URL.Path {
		case "/api/v1/auth/logout":
			close(loggingOut)
			<-refreshing
			w.WriteHeader(http.StatusNoContent)
		case "/api/v1/auth/refresh":
			close(refreshing)
			<-loggedOut
			answerTokens(w, "renewed", "renewed")
		default:
			t.Errorf("called with %q after the logout", r.Header.Get("Authorization"))
		}
	})
	c := client(t, s, expired())
	called := make(chan error, 1)
	go func() {
		<-loggingOut
		_, err := c.GetMe(t.Context())
		called <- err
	}()
	if err := c.Logout(t.Context()); err != nil {
		t.Error(err)
	}
	close(loggedOut)
	if err := <-called; !errors.Is(err, loyalty.ErrNoSession) || c.Tokens() != (loyalty.Tokens{}) {
		t.Errorf("got %v, tokens %+v, want none", err, c.Tokens())
	}
}

func TestRenewalWithinALogout(t *testing.T) {
	t.Parallel()
	loggingOut, renewed := make(chan struct{}), make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		switch r.URL.Path {
		case "/api/v1/auth/logout":
			close(loggingOut)
			<-renewed
			w.WriteHeader(http.StatusNoContent)
		case "/api/v1/auth/refresh":
			answerTokens(w, "renewed", "renewed")
		default:
			_, _ = w.Write([]byte(`{"id":"` + r.Header.Get("Authorization") + `"}`))
		}
	})
	var stored []string
	c := client(t, s, expired(), loyalty.WithTokenObserver(func(t loyalty.Tokens) { stored = append(stored, t.Refresh) }))
	var wg sync.WaitGroup
	wg.Go(func() {
		<-loggingOut
		if me, err := c.GetMe(t.Context()); err != nil || me.ID != "Bearer renewed" {
			t.Errorf("got %+v, %v, want the renewed token", me, err)
		}
		close(renewed)
	})
	if err := c.Logout(t.Context()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if c.Tokens() != (loyalty.Tokens{}) || !slices.Equal(stored, []string{"renewed", ""}) {
		t.Errorf("got tokens %+v, stored %q, want none after the logout", c.Tokens(), stored)
	}
}

func TestLoginDuringALogout(t *testing.T) {
	t.Parallel()
	loggingOut, loggedIn := make(chan struct{}), make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.URL.Path == "/api/v1/auth/logout" {
			close(loggingOut)
			<-loggedIn
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answerTokens(w, "login", "login")
	})
	c := client(t, s, token())
	var wg sync.WaitGroup
	wg.Go(func() {
		<-loggingOut
		if _, err := c.Login(t.Context(), "anna@example.com", "password"); err != nil {
			t.Error(err)
		}
		close(loggedIn)
	})
	if err := c.Logout(t.Context()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if c.Tokens().Refresh != "login" {
		t.Errorf("got tokens %+v, want those of the login", c.Tokens())
	}
}

func TestLogoutWaitsForARenewal(t *testing.T) {
	t.Parallel()
	started, loggingOut := make(chan struct{}), make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		switch r.URL.Path {
		case "/api/v1/auth/refresh":
			close(started)
			select {
			case <-loggingOut: // too early
			case <-time.After(200 * time.Millisecond):
			}
			answerTokens(w, "renewed", "renewed")
		case "/api/v1/auth/logout":
			close(loggingOut)
			w.WriteHeader(http.StatusNoContent)
		default:
			_, _ = w.Write([]byte(`{"id":"me"}`))
		}
	})
	c := client(t, s, expired())
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = c.GetMe(t.Context()) })
	<-started
	if err := c.Logout(t.Context()); err != nil || c.Tokens() != (loyalty.Tokens{}) {
		t.Errorf("got %v, tokens %+v, want none", err, c.Tokens())
	}
	wg.Wait()
	if !slices.Contains(s.bodies, `{"refreshToken":"renewed"}`) {
		t.Errorf("the requests were %q, want a logout with the renewed token", s.bodies)
	}
}
