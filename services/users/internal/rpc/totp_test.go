package rpc_test

import (
	"encoding/base32"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/totp"
)

const totpPath = "/users/me/mfa/totp"

func totpRequest(caller, method, path, code string) request {
	r := request{caller: caller, method: method, path: path}
	if code != "" {
		r.body = `{"code":"` + code + `"}`
	}
	return r
}

// enrol enrols a second factor. It returns the recovery codes, and a function that returns the code of a time step relative to
// the current step.
func (f *fixture) enrol() (recovery []string, code func(step int64) string) {
	f.Helper()
	got := f.send(http.StatusOK, totpRequest("staff", "POST", totpPath, "")).body
	text, _ := got["secret"].(string)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || len(secret) != 20 || len(got) != 3 ||
		got["uri"] != "otpauth://totp/Loyalty:staff@example.com?issuer=Loyalty&secret="+text {
		f.Errorf("got %v, %v, want a secret, its URI and recovery codes", got, err)
	}
	for _, one := range got["recoveryCodes"].([]any) {
		recovery = append(recovery, one.(string))
	}
	return recovery, func(step int64) string { return totp.Secret(secret).Code(totp.Step(now()) + step) }
}

func TestTotp(t *testing.T) {
	f := start(t)
	confirm, verify := totpPath+"/confirm", totpPath+"/verify"
	f.refused(apperr.NotFound, totpRequest("staff", "POST", confirm, "123456"))
	recovery, code := f.enrol()
	f.refused(apperr.NotFound, totpRequest("staff", "POST", verify, code(0))) // not active
	f.refused(apperr.MfaCodeInvalid, totpRequest("staff", "POST", confirm, code(2)))
	f.send(http.StatusNoContent, totpRequest("staff", "POST", confirm, code(-1)))
	f.refused(apperr.MfaAlreadyActive, totpRequest("staff", "POST", confirm, code(0)))
	f.refused(apperr.MfaAlreadyActive, totpRequest("staff", "POST", totpPath, ""))

	const login = `{"email":"staff@example.com","password":"correct horse"`
	f.refused(apperr.MfaRequired, loginRequest(login+`}`))
	f.refused(apperr.MfaCodeInvalid, loginRequest(login+`,"code":"`+code(-1)+`"}`)) // used before
	f.send(http.StatusOK, loginRequest(login+`,"code":"`+code(0)+`"}`))
	f.send(http.StatusNoContent, totpRequest("staff", "POST", verify, code(1)))
	if got := f.store.factor.VerifiedSession; got != uuid.MustParse(staffID) {
		t.Errorf("the factor was presented in the session %s, want that of the access token", got)
	}
	f.refused(apperr.MfaCodeInvalid, totpRequest("staff", "POST", verify, "AAAAA-AAAAA"))
	f.send(http.StatusNoContent, totpRequest("staff", "POST", verify, recovery[3]))
	f.send(http.StatusNoContent, totpRequest("staff", "DELETE", totpPath, strings.ToLower(recovery[4])))
	f.refused(apperr.NotFound, totpRequest("staff", "DELETE", totpPath, recovery[4]))

	for _, e := range f.store.recorded {
		if e.Target != uuid.MustParse(staffID) {
			t.Errorf("the target of %+v is not the user", e)
		}
	}
	if n := len(f.store.recorded); n != 5 { // four refusals and the login; the store records the changes
		t.Errorf("%d entries were recorded, want 5: %+v", n, f.store.recorded)
	}
}

func TestTotpRefusals(t *testing.T) {
	f := start(t)
	for _, r := range []request{
		totpRequest("", "POST", totpPath+"/confirm", "123456"), totpRequest("", "POST", totpPath+"/verify", "123456"),
		totpRequest("", "DELETE", totpPath, "123456"), totpRequest("", "POST", totpPath, ""),
	} {
		f.refusedExceptFor("staff admin", r)
		if r.body == "" {
			continue
		}
		for _, code := range []string{"12345", "1234567", "12345a", "ABCDE-FGHI1", "ABCDEFGHIJ"} {
			f.invalid("code", totpRequest("staff", r.method, r.path, code))
		}
	}
	f.invalid("code", totpRequest("staff", "POST", totpPath+"/confirm", "ABCDE-FGHIJ")) // only codes of the device confirm it
	f.enrol()
	f.limiter.err = apperr.New(apperr.RateLimited, "too many failed logins")
	f.refused(apperr.RateLimited, totpRequest("staff", "POST", totpPath+"/confirm", "123456"))
}

func TestResetTotp(t *testing.T) {
	f := start(t)
	reset := func(user string) request {
		return request{caller: "admin", method: "DELETE", path: "/users/" + user + "/mfa/totp"}
	}
	f.refusedExceptFor("admin", reset(staffID))
	f.send(http.StatusNoContent, reset(staffID)) // there is none
	f.refused(apperr.NotFound, reset(unknownID))
	f.refused(apperr.Forbidden, reset(adminID))
	f.invalid("user_id", reset("17"))
	f.enrol()
	f.store.factor.Active = true
	f.refused(apperr.MfaRequired, reset(staffID)) // the fake store has the same factor for the admin
	f.store.factor.VerifiedSession, f.store.factor.VerifiedAt = uuid.MustParse(adminID), now()
	f.send(http.StatusNoContent, reset(staffID))
	if f.store.factor.Active {
		t.Error("the factor is still active")
	}
}
