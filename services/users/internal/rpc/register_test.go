package rpc_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func registerRequest(body string) request {
	return request{method: "POST", path: "/auth/register", body: body}
}

func TestRegister(t *testing.T) {
	f := start(t)
	got := f.send(http.StatusCreated, registerRequest(`{"email":" Bob@example.com ","password":"correct horse"}`))
	id, _ := got.body["id"].(string)
	equal(t, got.body, object{
		"id": id, "email": "Bob@example.com", "role": "PLAYER", "isActive": true, "balance": "0.00",
		"createdAt": "2026-03-10T12:00:00Z",
	})
	stored, ok := f.store.users[uuid.MustParse(id)]
	if !ok || stored.EmailFolded != "bob@example.com" || stored.PasswordHash != fakeHash(secret) {
		t.Errorf("stored %+v, want bob@example.com with the hash of the password", stored)
	}
}

// invalidRegistrations returns bodies that a registration refuses, each with the field of the violation.
func invalidRegistrations() map[string]string {
	return map[string]string{
		`{"password":"correct horse"}`:                                     "email",
		`{"email":"bob","password":"correct horse"}`:                       "email",
		`{"email":"bob\u0000@example.com","password":"correct horse"}`:     "email",
		`{"email":"bob@example.com"}`:                                      "password",
		`{"email":"bob@example.com","password":"1234567"}`:                 "password",
		`{"email":"bob@example.com","password":"correct\u0000horse"}`:      "password",
		`{"email":"bob@example.com","password":"correct horse","role":""}`: "role",
		`{"email":"bob@example.com","password":17}`:                        "password",
	}
}

func TestRegisterRefusesInvalidInput(t *testing.T) {
	f := start(t)
	for body, field := range invalidRegistrations() {
		f.invalid(field, registerRequest(body))
	}
	if len(f.store.users) != len(tokens()) {
		t.Errorf("got %d stored users, want %d", len(f.store.users), len(tokens()))
	}
}

const weakRegistration = `{"email":"bob.miller@example.com","password":"BobMiller1"}`

func TestRegisterRefusals(t *testing.T) {
	f := start(t)
	const taken = `{"email":"ANNA@example.com","password":"correct horse"}`
	f.refused(apperr.UserExists, registerRequest(taken))
	f.refused(apperr.PasswordTooWeak, registerRequest(weakRegistration))
	f.limiter.err = apperr.New(apperr.RateLimited, "too many registrations")
	f.refused(apperr.RateLimited, registerRequest(taken))
}
