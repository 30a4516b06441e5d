package rpc_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Restrictions returns the restrictions of the player.
func (s *fakeStore) Restrictions(ctx context.Context, id uuid.UUID) ([]users.Restriction, error) {
	_, err := s.User(ctx, id)
	return slices.Clone(s.restrictions), err
}

// SetRestriction keeps one restriction of each kind and side.
func (s *fakeStore) SetRestriction(
	ctx context.Context, _ uuid.UUID, r users.Restriction, replaces func(users.Restriction) (bool, error),
) (users.Restriction, error) {
	if u, err := s.User(ctx, r.UserID); err != nil || u.Role != authn.RolePlayer {
		return r, apperr.New(apperr.NotFound, "player not found")
	}
	same := func(o users.Restriction) bool { return o.Kind == r.Kind && o.ByPlayer == r.ByPlayer }
	var before users.Restriction
	if i := slices.IndexFunc(s.restrictions, same); i >= 0 {
		before = s.restrictions[i]
	}
	if change, err := replaces(before); err != nil || !change {
		return before, err
	}
	r.CreatedAt = now()
	s.restrictions = append(slices.DeleteFunc(s.restrictions, same), r)
	return r, s.err
}

func (s *fakeStore) LiftRestrictions(
	_ context.Context, _, _ uuid.UUID, choose func([]users.Restriction) ([]users.Restriction, error),
) error {
	chosen, err := choose(s.restrictions)
	if err == nil {
		s.restrictions = slices.DeleteFunc(s.restrictions, func(r users.Restriction) bool { return slices.Contains(chosen, r) })
	}
	return err
}

// restrictionRequest returns a request of an employee. The kind may be empty.
func restrictionRequest(method, user, kind, body string) request {
	path := "/users/" + user + "/restrictions"
	if kind != "" {
		path += "/" + kind
	}
	return request{caller: "staff", method: method, path: path, body: body}
}

// ownRequest returns a request of the player about the own restrictions.
func ownRequest(method, kind, body string) request {
	r := restrictionRequest(method, "me", kind, body)
	r.caller = "player"
	return r
}

// list returns the restrictions that a request lists.
func (f *fixture) list(r request) []any {
	f.Helper()
	body := f.send(http.StatusOK, r).body
	listed, ok := body["restrictions"].([]any)
	if !ok || len(body) != 1 {
		f.Fatalf("got %v, want restrictions only", body)
	}
	return listed
}

func TestSetRestriction(t *testing.T) {
	f := start(t)
	want := object{
		"kind": "COOL_OFF", "until": "2026-03-12T12:00:00.500Z", "reason": "asked for it", "setBy": staffID, "createdAt": "2026-03-10T12:00:00Z",
	}
	set := restrictionRequest("PUT", playerID, "COOL_OFF", `{"until":"2026-03-12T14:00:00.5+02:00","reason":" asked for it "}`)
	equal(t, f.send(http.StatusOK, set).body, want)
	equal(t, f.send(http.StatusOK, set).body, want)
	forEver := object{"kind": "BONUS_ABUSE", "until": "", "reason": "x", "setBy": adminID, "createdAt": "2026-03-10T12:00:00Z"}
	for _, body := range []string{`{"reason":"x"}`, `{"reason":"x","until":""}`, `{"reason":"x","until":null}`, `{"reason":"x","kind":"COOL_OFF"}`} {
		set = restrictionRequest("PUT", playerID, "BONUS_ABUSE", body)
		set.caller = "admin"
		equal(t, f.send(http.StatusOK, set).body, forEver)
	}
	listed := f.list(restrictionRequest("GET", playerID, "", ""))
	if len(listed) != 2 {
		t.Fatalf("got %v, want two restrictions", listed)
	}
	equal(t, listed[0].(object), want)
	equal(t, listed[1].(object), forEver)
	if listed = f.list(ownRequest("GET", "", "")); len(listed) != 0 {
		t.Errorf("the player sees %v", listed)
	}
}

func TestSetRestrictionRefusals(t *testing.T) {
	f := start(t)
	const reason = `{"reason":"x"}`
	f.refusedExceptFor("staff admin", restrictionRequest("PUT", playerID, "BONUS_ABUSE", reason))
	f.refusedExceptFor("staff admin", restrictionRequest("GET", playerID, "", ""))
	f.refusedExceptFor("staff admin", restrictionRequest("DELETE", playerID, "BONUS_ABUSE", ""))
	f.refused(apperr.NotFound, restrictionRequest("PUT", unknownID, "BONUS_ABUSE", reason))
	f.refused(apperr.NotFound, restrictionRequest("PUT", staffID, "BONUS_ABUSE", reason))
	f.refused(apperr.NotFound, restrictionRequest("GET", unknownID, "", ""))
	f.invalid("user_id", restrictionRequest("PUT", "17", "BONUS_ABUSE", reason))
	f.invalid("user_id", restrictionRequest("GET", "17", "", ""))
	for _, kind := range []string{"bonus_abuse", "X", "4", "RESTRICTION_KIND_UNSPECIFIED", "%00"} {
		f.invalid("kind", restrictionRequest("PUT", playerID, kind, `{"reason":"x","kind":"BONUS_ABUSE"}`))
		f.invalid("kind", restrictionRequest("DELETE", playerID, kind, ""))
	}
	f.invalid("reason", restrictionRequest("PUT", playerID, "BONUS_ABUSE", `{}`))
	f.invalid("reason", restrictionRequest("PUT", playerID, "BONUS_ABUSE", `{"reason":" "}`))
	f.invalid("x", restrictionRequest("PUT", playerID, "BONUS_ABUSE", `{"reason":"x","x":1}`))
	for kind, until := range map[string]string{"BONUS_ABUSE": "2026-03-10T12:00:00Z", "HARM_INDICATOR": "tomorrow", "SELF_EXCLUSION": "0001-01-01T00:00:00Z", "COOL_OFF": "2026-03-11T11:58:00Z", "MARKETING_OPT_OUT": "0001-01-01T00:00:00.0000001Z"} {
		f.invalid("until", restrictionRequest("PUT", playerID, kind, `{"reason":"x","until":"`+until+`"}`))
	}
	f.invalid("until", restrictionRequest("PUT", playerID, "COOL_OFF", reason))
	if len(f.store.restrictions) != 0 {
		t.Errorf("got %+v, want no restriction", f.store.restrictions)
	}
}

func TestAddMyRestriction(t *testing.T) {
	f := start(t)
	f.send(http.StatusOK, restrictionRequest("PUT", playerID, "SELF_EXCLUSION", `{"reason":"x"}`))
	want := object{"kind": "SELF_EXCLUSION", "until": "2026-03-20T12:00:00Z", "createdAt": "2026-03-10T12:00:00Z"}
	equal(t, f.send(http.StatusOK, ownRequest("POST", "", `{"kind":"SELF_EXCLUSION","until":"2026-03-20T12:00:00Z"}`)).body, want)
	listed := f.list(ownRequest("GET", "", ""))
	if len(listed) != 1 {
		t.Fatalf("got %v, want one restriction", listed)
	}
	equal(t, listed[0].(object), want)
	f.refused(apperr.RestrictionLocked, ownRequest("POST", "", `{"kind":"SELF_EXCLUSION","until":"2026-03-19T12:00:00Z"}`))
	f.refused(apperr.RestrictionLocked, ownRequest("DELETE", "SELF_EXCLUSION", ""))
	want["until"] = ""
	equal(t, f.send(http.StatusOK, ownRequest("POST", "", `{"kind":"SELF_EXCLUSION"}`)).body, want)
}

func TestAddMyRestrictionRefusals(t *testing.T) {
	f := start(t)
	f.refusedExceptFor("player", ownRequest("POST", "", `{"kind":"SELF_EXCLUSION"}`))
	f.refusedExceptFor("player", ownRequest("GET", "", ""))
	f.refusedExceptFor("player", ownRequest("DELETE", "MARKETING_OPT_OUT", ""))
	for _, body := range []string{`{}`, `{"kind":"HARM_INDICATOR"}`, `{"kind":"X"}`, `{"kind":0}`, `{"kind":"RESTRICTION_KIND_UNSPECIFIED"}`} {
		f.invalid("kind", ownRequest("POST", "", body))
	}
	f.invalid("reason", ownRequest("POST", "", `{"kind":"SELF_EXCLUSION","reason":"x"}`))
	f.invalid("until", ownRequest("POST", "", `{"kind":"COOL_OFF"}`))
	f.invalid("until", ownRequest("POST", "", `{"kind":"COOL_OFF","until":7}`))
	f.limiter.err = apperr.New(apperr.RateLimited, "too many changes")
	f.refused(apperr.RateLimited, ownRequest("POST", "", `{"kind":"SELF_EXCLUSION"}`))
}

func TestLiftRestriction(t *testing.T) {
	f := start(t)
	optOut := `{"kind":"MARKETING_OPT_OUT"}`
	f.send(http.StatusOK, ownRequest("POST", "", optOut))
	f.send(http.StatusNoContent, ownRequest("DELETE", "MARKETING_OPT_OUT", ""))
	f.refused(apperr.NotFound, ownRequest("DELETE", "MARKETING_OPT_OUT", ""))
	f.refused(apperr.NotFound, ownRequest("DELETE", "BONUS_ABUSE", ""))

	f.send(http.StatusOK, ownRequest("POST", "", optOut))
	f.send(http.StatusOK, restrictionRequest("PUT", playerID, "MARKETING_OPT_OUT", `{"reason":"x"}`))
	f.send(http.StatusNoContent, restrictionRequest("DELETE", playerID, "MARKETING_OPT_OUT", ""))
	f.refused(apperr.NotFound, restrictionRequest("DELETE", playerID, "MARKETING_OPT_OUT", ""))
	if len(f.store.restrictions) != 0 {
		t.Errorf("got %+v, want none", f.store.restrictions)
	}
}
