package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// caller calls the REST API of a platform.
type caller struct {
	url    string
	client *http.Client
}

type player struct{ email, id, token string }

const (
	benchAdmin    = "admin@example.com"
	benchPassword = "password of the bench"
)

func newCaller(url string) *caller {
	return &caller{url: url, client: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256},
	}}
}

// signIn logs in the admin and at least n players. The access tokens are valid for ten minutes.
func (f *fleet) signIn(ctx context.Context, n int) (err error) {
	if _, f.staff, err = f.login(ctx, benchAdmin); err != nil {
		return err
	}
	f.players, err = f.enter(ctx, "player", f.players, n)
	return err
}

// enter logs in n players, eight at a time, and returns them. Their e-mail addresses start with name. It registers the
// players that are not in known.
func (c *caller) enter(ctx context.Context, name string, known []player, n int) ([]player, error) {
	players := append(slices.Clone(known), make([]player, max(0, n-len(known)))...)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range n {
		g.Go(func() (err error) {
			p := player{email: fmt.Sprintf("%s%d@example.com", name, i)}
			if i >= len(known) {
				if err := c.expect(ctx, http.StatusCreated, "/api/v1/auth/register", "", credentials(p.email), nil); err != nil {
					return err
				}
			}
			p.id, p.token, err = c.login(ctx, p.email)
			players[i] = p
			return err
		})
	}
	return players, g.Wait()
}

func credentials(email string) map[string]any {
	return map[string]any{"email": email, "password": benchPassword}
}

func (c *caller) login(ctx context.Context, email string) (id, token string, err error) {
	var session struct {
		AccessToken string `json:"accessToken"`
		User        struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	err = c.expect(ctx, http.StatusOK, "/api/v1/auth/login", "", credentials(email), &session)
	return session.User.ID, session.AccessToken, err
}

// expect posts body as JSON and decodes the answer into result, which may be nil. It returns an error if the status is not
// want.
func (c *caller) expect(ctx context.Context, want int, path, token string, body, result any) error {
	answer, err := c.request(ctx, want, http.MethodPost, path, token, body)
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(answer, result)
}

// get returns the answer to a GET. It returns an error if the status is not 200.
func (c *caller) get(ctx context.Context, path, token string) ([]byte, error) {
	return c.request(ctx, http.StatusOK, http.MethodGet, path, token, nil)
}

// request sends body as JSON, unless it is nil, and returns the answer. It returns an error if the status is not want.
// Connections are reused. It is safe for concurrent use.
func (c *caller) request(ctx context.Context, want int, method, path, token string, body any) ([]byte, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	if body == nil {
		encoded = nil
	}
	r, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(encoded))
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := c.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != want {
		err = fmt.Errorf("%s %s: status %d: %s", method, path, response.StatusCode, answer)
	}
	return answer, err
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
