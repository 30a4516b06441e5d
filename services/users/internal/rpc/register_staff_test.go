package rpc_test

import (
	"net/http"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func registerStaffRequest(body string) request {
	return request{caller: "admin", method: "POST", path: "/auth/register-staff", body: body}
}

func TestRegisterStaff(t *testing.T) {
	f := start(t)
	got := f.send(http.StatusCreated, registerStaffRequest(`{"email":"bob@example.com","password":"correct horse"}`))
	equal(t, got.body, object{
		"id": got.body["id"], "email": "bob@example.com", "role": "STAFF", "isActive": true, "balance": "0.00",
		"createdAt": "2026-03-10T12:00:00Z",
	})
}

func TestRegisterStaffRefusesInvalidInput(t *testing.T) {
	f := start(t)
	for body, field := range invalidRegistrations() {
		f.invalid(field, registerStaffRequest(body))
	}
}

func TestRegisterStaffRefusals(t *testing.T) {
	f := start(t)
	taken := registerStaffRequest(`{"email":"ANNA@example.com","password":"correct horse"}`)
	f.refusedExceptFor("admin", taken)
	f.refused(apperr.UserExists, taken)
	f.refused(apperr.PasswordTooWeak, registerStaffRequest(weakRegistration))
}
