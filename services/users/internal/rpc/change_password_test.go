package rpc_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func changePasswordRequest(caller, body string) request {
	return request{caller: caller, method: "POST", path: "/users/me/password", body: body}
}

func TestChangeMyPassword(t *testing.T) {
	for caller, id := range map[string]string{"player": playerID, "staff": staffID, "admin": adminID} {
		f := start(t)
		f.send(http.StatusNoContent, changePasswordRequest(caller, `{"currentPassword":"correct horse","newPassword":"another horse"}`))
		user := uuid.MustParse(id)
		if got := f.store.users[user].PasswordHash; got != fakeHash("another horse") {
			t.Errorf("%s: stored %q, want the hash of the new password", caller, got)
		}
		if !slices.Equal(f.sessions.ended, []uuid.UUID{user}) || f.sessions.kept != user {
			t.Errorf("%s: ended the sessions of %v except %s, want those of the caller except the current one",
				caller, f.sessions.ended, f.sessions.kept)
		}
	}
}

func TestChangeMyPasswordRefusals(t *testing.T) {
	f := start(t)
	for body, field := range map[string]string{
		`{"newPassword":"another horse"}`:                                               "currentPassword",
		`{"currentPassword":"correct horse"}`:                                           "newPassword",
		`{"currentPassword":"correct horse","newPassword":"short"}`:                     "newPassword",
		`{"currentPassword":"correct horse","newPassword":"another\u0000horse"}`:        "newPassword",
		`{"currentPassword":"correct horse","newPassword":"another horse","user_id":1}`: "user_id",
	} {
		f.invalid(field, changePasswordRequest("player", body))
	}
	const wrong = `{"currentPassword":"wrong horse","newPassword":"another horse"}`
	f.refusedExceptFor("player staff admin", changePasswordRequest("", wrong))
	f.refused(apperr.PasswordTooWeak, changePasswordRequest("player", `{"currentPassword":"correct horse","newPassword":"password"}`))
	f.refused(apperr.InvalidCredentials, changePasswordRequest("player", wrong))
	f.limiter.err = apperr.New(apperr.RateLimited, "too many failed logins")
	f.refused(apperr.RateLimited, changePasswordRequest("player", wrong))
	if len(f.sessions.ended) > 0 {
		t.Errorf("the sessions of %v were ended, want none", f.sessions.ended)
	}
}
