package rpcserver_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// TestBodiesInFlight checks that unfinished bodies use at most the memory of their address and of the server, and that the
// memory is returned.
func TestBodiesInFlight(t *testing.T) {
	t.Parallel()
	h := handler(t, func(c *rpcserver.Config) {
		c.BodiesPerAddress, c.Bodies = 3*limits.BodyMinimum, 5*limits.BodyMinimum
	})
	request := func(address string, body io.Reader) *http.Request {
		r := targets()["REST"].request(t, "staff", body)
		r.RemoteAddr, r.ContentLength = address+":1000", -1
		return r
	}
	var open sync.WaitGroup
	var bodies []*io.PipeWriter
	hold := func(address string) {
		body, w := io.Pipe()
		bodies = append(bodies, w)
		open.Go(func() { h.ServeHTTP(httptest.NewRecorder(), request(address, body)) })
		if _, err := w.Write([]byte("{")); err != nil { // returns when the server has read it
			t.Error(err)
		}
	}
	for range 3 {
		hold("192.0.2.1")
	}
	expect := func(address string, code apperr.Code) {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(address, strings.NewReader(`{}`)))
		if got := codeOf(w.Result()); got != code || code != apperr.ValidationFailed && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: got %d %s with headers %v, want %s", address, w.Code, got, w.Header(), code)
		}
	}
	expect("192.0.2.1", apperr.RateLimited)
	expect("192.0.2.2", apperr.ValidationFailed)
	hold("2001:db8::1")
	hold("2001:db8::2")
	expect("192.0.2.2", apperr.DependencyUnavailable)
	for _, w := range bodies {
		_ = w.Close()
	}
	open.Wait()
	expect("192.0.2.1", apperr.ValidationFailed)
}

// TestAnonymousBodies checks that bodies of methods that need no token cannot use up the memory of the others.
func TestAnonymousBodies(t *testing.T) {
	t.Parallel()
	h := handler(t, func(c *rpcserver.Config) { c.Bodies = 2 * limits.BodyMinimum })
	send := func(path, token, address string, body io.Reader) *http.Response {
		r := httptest.NewRequest(http.MethodPost, path, body)
		r.RemoteAddr = address + ":1000"
		r.Header.Set("Content-Type", "application/json")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	const rest, connect = "/api/v1/auth/register", "/loyalty.users.v1.AuthService/Register"
	var open sync.WaitGroup
	var writers []*io.PipeWriter
	for i, path := range []string{rest, connect} {
		body, w := io.Pipe()
		open.Go(func() { send(path, "", "192.0.2."+strconv.Itoa(i), body) })
		if _, err := w.Write([]byte("{")); err != nil {
			t.Error(err)
		}
		writers = append(writers, w)
	}
	if got := codeOf(send(rest, "", "192.0.2.8", strings.NewReader(`{}`))); got != apperr.DependencyUnavailable {
		t.Errorf("a third body without a token: got %s, want DEPENDENCY_UNAVAILABLE", got)
	}
	if got := codeOf(send("/api/v1/promotions", "staff", "192.0.2.8", strings.NewReader(`{}`))); got != apperr.ValidationFailed {
		t.Errorf("a body with a token: got %s, want VALIDATION_FAILED", got)
	}
	for _, w := range writers {
		_ = w.Close()
	}
	open.Wait()
}
