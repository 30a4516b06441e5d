package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// caller calls the REST API of a platform.
type caller struct {
	url    string
	client *http.Client
}

type player struct{ id, token string }

const (
	benchAdmin    = "admin@example.com"
	benchPassword = "password of the bench"
)

func newCaller(url string) *caller {
	return &caller{url: url, client: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256},
	}}
}

// signIn logs in the admin and n players, eight at a time. It registers the players that do not exist. The access tokens are
// valid for ten minutes.
func (f *fleet) signIn(ctx context.Context, n int) (err error) {
	f.env.progress("  logging in %d players", n)
	if _, f.staff, err = f.login(ctx, benchAdmin); err != nil {
		return err
	}
	registered := len(f.players)
	f.players = append(f.players, make([]player, max(0, n-registered))...)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range n {
		g.Go(func() (err error) {
			email := fmt.Sprintf("player%d@example.com", i)
			if i >= registered {
				if err := f.expect(ctx, http.StatusCreated, "/api/v1/auth/register", "", credentials(email), nil); err != nil {
					return err
				}
			}
			f.players[i].id, f.players[i].token, err = f.login(ctx, email)
			return err
		})
	}
	return g.Wait()
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
	status, answer, err := c.post(ctx, path, token, body)
	switch {
	case err != nil:
		return err
	case status != want:
		return fmt.Errorf("POST %s: status %d: %s", path, status, answer)
	case result == nil:
		return nil
	default:
		return json.Unmarshal(answer, result)
	}
}

// post sends body as JSON and returns the status and the body of the answer. Connections are reused. It is safe for
// concurrent use.
func (c *caller) post(ctx context.Context, path, token string, body any) (status int, answer []byte, err error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(encoded))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := c.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
