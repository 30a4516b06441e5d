package rpc_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/rpctest"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/rpc"
)

const (
	playerID = "01890000-0000-7000-8000-000000000001"
	firstID  = "01890000-0000-7000-8000-000000000011"
	secondID = "01890000-0000-7000-8000-000000000012"
	thirdID  = "01890000-0000-7000-8000-000000000013"
	otherID  = "01890000-0000-7000-8000-000000000099"
)

// fakeStore contains three notifications of one player. The first one is read.
type fakeStore struct {
	notifications.Store
	list []notifications.Notification
	err  error
}

func newFakeStore() *fakeStore {
	s := &fakeStore{}
	for i, id := range []string{firstID, secondID, thirdID} {
		s.list = append(s.list, notifications.Notification{
			ID: uuid.MustParse(id), Type: "promotion", Content: map[string]any{"title": id}, Read: i == 0,
			CreatedAt: time.Date(2026, 3, 10, 12, i, 0, 0, time.UTC), UserID: uuid.MustParse(playerID), Seq: int64(i + 1),
		})
	}
	return s
}

func (s *fakeStore) List(
	_ context.Context, player uuid.UUID, read *bool, before int64, limit int,
) (page []notifications.Notification, err error) {
	for i := len(s.list) - 1; i >= 0 && len(page) < limit; i-- {
		n := s.list[i]
		if n.UserID == player && (read == nil || *read == n.Read) && (before == 0 || n.Seq < before) {
			page = append(page, n)
		}
	}
	return page, s.err
}

func (s *fakeStore) Counts(_ context.Context, player uuid.UUID) (c notifications.Counts, err error) {
	for _, n := range s.list {
		if n.UserID == player {
			c.Total++
			if !n.Read {
				c.Unread++
			}
		}
	}
	return c, s.err
}

func (s *fakeStore) MarkRead(_ context.Context, player uuid.UUID, ids []uuid.UUID) (marked []uuid.UUID, err error) {
	for i, n := range s.list {
		for _, id := range ids {
			if n.ID == id && n.UserID == player {
				s.list[i].Read = true
				marked = append(marked, id)
			}
		}
	}
	return marked, s.err
}

func (s *fakeStore) MarkAllRead(_ context.Context, player uuid.UUID, last int64) error {
	for i, n := range s.list {
		if n.UserID == player && n.Seq <= last {
			s.list[i].Read = true
		}
	}
	return s.err
}

func (s *fakeStore) LastSeq(context.Context, uuid.UUID) (int64, error) {
	return int64(len(s.list)), s.err
}

// fakeLive discards notifications and read states.
type fakeLive struct{}

func (fakeLive) Notified(context.Context, notifications.Notification)     {}
func (fakeLive) Read(context.Context, uuid.UUID, notifications.ReadState) {}

type object = map[string]any

// api is the API of the service on a fake store.
type api struct {
	store   *fakeStore
	handler http.Handler
}

func start(t *testing.T) *api {
	t.Helper()
	store := newFakeStore()
	server, err := rpcserver.New(rpcserver.Config{
		Service:       "notifications",
		Authenticator: rpctest.Tokens{authn.RolePlayer: playerID, authn.RoleStaff: otherID, authn.RoleAdmin: otherID},
		Log:           slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	service := notifications.New(store, fakeLive{}, time.Now)
	server.Mount(notificationsv1connect.NewNotificationServiceHandler(rpc.New(service), server.Options()...))
	handler, err := server.Handler()
	if err != nil {
		t.Fatal(err)
	}
	return &api{store, handler}
}

// call sends a request and returns the decoded response. It fails the test unless the response has the status. If caller is
// empty, the request has no token.
func (a *api) call(t *testing.T, status int, caller, method, path, body string) object {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if caller != "" {
		r.Header.Set("Authorization", "Bearer "+caller)
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	if w.Code != status {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, w.Code, status, w.Body)
	}
	var response object
	if err := json.Unmarshal(w.Body.Bytes(), &response); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
	}
	return response
}

// refused sends a request and checks the error code of the response.
func (a *api) refused(t *testing.T, code apperr.Code, caller, method, path, body string) object {
	t.Helper()
	response := a.call(t, code.Info().HTTP, caller, method, path, body)
	if response["code"] != string(code) {
		t.Errorf("%s %s as %q: code %v, want %s", method, path, caller, response["code"], code)
	}
	return response
}

// invalid sends a request as the player and checks that the response names the field as the only violation.
func (a *api) invalid(t *testing.T, field, method, path, body string) {
	t.Helper()
	response := a.refused(t, apperr.ValidationFailed, "player", method, path, body)
	violations, _ := response["violations"].([]any)
	if len(violations) != 1 || violations[0].(object)["field"] != field {
		t.Errorf("%s %s %s: violations %v, want exactly one, of %q", method, path, body, violations, field)
	}
}

// wrongCallers checks that only players may send a request.
func (a *api) wrongCallers(t *testing.T, method, path, body string) {
	t.Helper()
	a.refused(t, apperr.TokenMissing, "", method, path, body)
	a.refused(t, apperr.TokenInvalid, "unknown", method, path, body)
	a.refused(t, apperr.Forbidden, "staff", method, path, body)
	a.refused(t, apperr.Forbidden, "admin", method, path, body)
}
