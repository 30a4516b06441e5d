package e2e_test

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

// TestAudit does every audited act in the running services and reads its entry from the audit trail.
func TestAudit(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "kafka", migratedDatabases(t), anomalyLimits()...)
	c.open()
	admin := c.admin(t)
	trail := trail{t, admin}
	staff := newStaff(t, admin)
	staff.id = staff.call(200, "GET", "/api/v1/users/me", nil).text("id")
	player := newPlayer(t, c.url)
	trail.has(entry{action: "CREATE_ADMIN", target: admin.id, after: object{"email": adminEmail, "role": "ADMIN", "isActive": true}})
	trail.has(entry{action: "REGISTER_STAFF", actor: admin.id, target: staff.id, after: object{
		"email": staff.email, "role": "STAFF", "isActive": true,
	}})
	trail.has(entry{action: "LOGIN", actor: player.id, target: player.id})

	staff.refused(401, "INVALID_CREDENTIALS", "POST", "/api/v1/auth/login", object{"email": staff.email, "password": "wrong password"})
	trail.has(entry{action: "LOGIN", target: staff.id, outcome: "INVALID_CREDENTIALS"})
	staff.refused(401, "INVALID_CREDENTIALS", "POST", "/api/v1/auth/login", object{"email": "nobody@example.com", "password": "wrong password"})
	trail.has(entry{action: "LOGIN", outcome: "INVALID_CREDENTIALS"})

	changed := newStaff(t, admin)
	changed.id = changed.call(200, "GET", "/api/v1/users/me", nil).text("id")
	changed.refused(401, "INVALID_CREDENTIALS", "POST", "/api/v1/users/me/password", object{
		"currentPassword": "wrong password", "newPassword": "another fine password",
	})
	changed.call(204, "POST", "/api/v1/users/me/password", object{"currentPassword": password, "newPassword": "another fine password"})
	trail.has(entry{action: "CHANGE_PASSWORD", actor: changed.id, target: changed.id, outcome: "INVALID_CREDENTIALS"})
	trail.has(entry{action: "CHANGE_PASSWORD", actor: changed.id, target: changed.id})

	player.refused(403, "FORBIDDEN", "GET", "/api/v1/audit", nil)
	staff.refused(403, "FORBIDDEN", "GET", "/api/v1/audit", nil)
	trail.sessions(player)
	trail.factors(staff)
	trail.promotions(c, staff, player)
	trail.drafts(staff)
	trail.revocations(staff, player)
	trail.jobs(staff)
	trail.restrictions(staff, player)

	admin.call(200, "POST", "/api/v1/users/"+player.id+"/deactivate", nil)
	admin.call(200, "POST", "/api/v1/users/"+player.id+"/deactivate", nil) // changes nothing
	trail.has(entry{
		action: "DEACTIVATE_USER", actor: admin.id, target: player.id, before: object{"isActive": true}, after: object{"isActive": false},
	})
	admin.call(200, "POST", "/api/v1/users/"+player.id+"/activate", nil)
	trail.has(entry{
		action: "ACTIVATE_USER", actor: admin.id, target: player.id, before: object{"isActive": false}, after: object{"isActive": true},
	})
	trail.filters(staff)
	c.verify(t)

	reset := exec.Command(programs.loyalty, "admin", "--settings", c.settings, "--reset", adminEmail)
	reset.Stdin = strings.NewReader(adminPassword + "\n")
	if out, err := reset.CombinedOutput(); err != nil {
		t.Fatalf("reset the admin: %v\n%s", err, out)
	}
	trail.client = c.admin(t)
	trail.has(entry{action: "RESET_ADMIN", target: admin.id})
	trail.complete()
	c.verify(t)
	c.logsSecurity(staff)
}

// trail reads the audit trail as an admin.
type trail struct {
	t *testing.T
	client
}

// entry is an expected entry. An empty outcome means OK, and nil members mean that the entry has none.
type entry struct {
	service, action, actor, target, outcome string
	before, after                           object
}

// has waits for exactly one entry that is equal to want, apart from generated values.
func (tr trail) has(want entry) {
	tr.t.Helper()
	if want.service == "" {
		want.service = "users"
	}
	if want.outcome == "" {
		want.outcome = "OK"
	}
	query := url.Values{"action": {want.action}, "page_size": {"100"}}
	if want.target != "" {
		query.Set("target", want.target)
	}
	eventually(tr.t, fmt.Sprintf("the audit trail has %v", want), func() error {
		list := tr.call(200, "GET", "/api/v1/audit?"+query.Encode(), nil).list("entries")
		found := 0
		for _, e := range list {
			got := entry{
				text(e, "service"), text(e, "action"), text(e, "actor"), text(e, "target"), text(e, "outcome"),
				e["before"].(object), e["after"].(object),
			}
			if fmt.Sprint(got) != fmt.Sprint(want) { // prints maps in the order of their keys
				continue
			}
			found++
			if members := strings.Join(slices.Sorted(maps.Keys(e)), " "); members !=
				"action actor address after at before id outcome service session target" {
				tr.t.Errorf("an entry has the members %s", members)
			}
			operator := strings.HasSuffix(want.action, "_ADMIN")
			if (text(e, "address") == "") != operator || (text(e, "session") == "") != (want.actor == "") {
				tr.t.Errorf("got %v, want an address and a session for acts in sessions only", e)
			}
		}
		if found != 1 {
			return fmt.Errorf("found %d times in %v", found, list)
		}
		return nil
	})
}

// restrictions sets and lifts a restriction of a player.
func (tr trail) restrictions(staff, player client) {
	path := "/api/v1/users/" + player.id + "/restrictions/BONUS_ABUSE"
	state := func(reason string) object {
		return object{"restrictions": []any{object{"kind": "BONUS_ABUSE", "until": "", "reason": reason, "setBy": staff.id}}}
	}
	none := object{"restrictions": []any{}}
	staff.call(200, "PUT", path, object{"reason": "first"})
	staff.call(200, "PUT", path, object{"reason": "first"}) // changes nothing
	tr.has(entry{action: "RESTRICT_PLAYER", actor: staff.id, target: player.id, before: none, after: state("first")})
	staff.call(200, "PUT", path, object{"reason": "second"})
	tr.has(entry{action: "RESTRICT_PLAYER", actor: staff.id, target: player.id, before: state("first"), after: state("second")})
	staff.call(204, "DELETE", path, nil)
	staff.refused(404, "NOT_FOUND", "DELETE", path, nil)
	tr.has(entry{action: "LIFT_RESTRICTION", actor: staff.id, target: player.id, before: state("second"), after: none})
}

// sessions ends sessions of a player in every way.
func (tr trail) sessions(player client) {
	login := func() (token, session string) {
		a := player.call(200, "POST", "/api/v1/auth/login", object{"email": player.email, "password": password, "refreshTokenIn": "BODY"})
		as := client{t: tr.t, url: player.url, token: a.text("accessToken")}
		for _, s := range as.call(200, "GET", "/api/v1/users/me/sessions", nil).list("sessions") {
			if s["current"] == true {
				session = text(s, "id")
			}
		}
		return a.text("refreshToken"), session
	}
	ended := func(ids ...any) object { return object{"sessions": ids} }
	refresh, _ := login()
	player.call(204, "POST", "/api/v1/auth/logout", object{"refreshToken": refresh})
	tr.has(entry{action: "LOGOUT", actor: player.id, target: player.id})
	_, session := login()
	player.call(204, "DELETE", "/api/v1/users/me/sessions/"+session, nil)
	tr.has(entry{action: "END_SESSION", actor: player.id, target: player.id, before: ended(session)})
	_, session = login()
	player.call(204, "DELETE", "/api/v1/users/me/sessions", nil)
	tr.has(entry{action: "END_SESSIONS", actor: player.id, target: player.id, before: ended(session)})
	_, session = login()
	tr.call(204, "DELETE", "/api/v1/users/"+player.id+"/sessions/"+session, nil)
	tr.refused(404, "NOT_FOUND", "DELETE", "/api/v1/users/"+player.id+"/sessions/"+session, nil)
	tr.has(entry{action: "END_SESSION", actor: tr.id, target: player.id, before: ended(session)})
}

// factors enrols, uses and removes a second factor.
func (tr trail) factors(staff client) {
	device := enrol(staff)
	tr.has(entry{action: "ENROL_MFA", actor: staff.id, target: staff.id})
	tr.has(entry{
		action: "CONFIRM_MFA", actor: staff.id, target: staff.id, before: object{"active": false}, after: object{"active": true},
	})
	staff.call(204, "POST", "/api/v1/users/me/mfa/totp/verify", object{"code": device.recovery[0]})
	tr.has(entry{action: "VERIFY_MFA", actor: staff.id, target: staff.id})
	staff.refused(401, "MFA_CODE_INVALID", "POST", "/api/v1/users/me/mfa/totp/verify", object{"code": device.recovery[0]})
	tr.has(entry{action: "VERIFY_MFA", actor: staff.id, target: staff.id, outcome: "MFA_CODE_INVALID"})
	staff.call(204, "DELETE", "/api/v1/users/me/mfa/totp", object{"code": device.recovery[1]})
	tr.has(entry{action: "DISABLE_MFA", actor: staff.id, target: staff.id, before: object{"active": true}})
	enrolAgain := staff.call(200, "POST", "/api/v1/users/me/mfa/totp", nil)
	if enrolAgain.text("secret") == device.secret {
		tr.t.Error("a new enrolment has the old secret")
	}
	tr.call(204, "DELETE", "/api/v1/users/"+staff.id+"/mfa/totp", nil)
	tr.call(204, "DELETE", "/api/v1/users/"+staff.id+"/mfa/totp", nil) // changes nothing
	tr.has(entry{action: "RESET_MFA", actor: tr.id, target: staff.id, before: object{"active": false}})
}

// promotions does the acts in the promotions service, whose entries travel over the bus, and reverses the payment.
func (tr trail) promotions(c *cluster, staff, player client) {
	created := newPromotion(staff, "BONUS", "20.00")
	id := created.text("id")
	after := maps.Clone(created.body)
	delete(after, "usage")
	tr.has(entry{service: "promotions", action: "CREATE_PROMOTION", actor: staff.id, target: id, after: after})
	change := object{"title": "Another title", "limits": object{"maxClaims": 7}}
	updated := staff.call(200, "PATCH", "/api/v1/promotions/"+id, change)
	staff.call(200, "PATCH", "/api/v1/promotions/"+id, change) // changes nothing
	tr.has(entry{
		service: "promotions", action: "UPDATE_PROMOTION", actor: staff.id, target: id,
		before: object{"title": created.text("title"), "updatedAt": created.text("updatedAt"), "limits": created.body["limits"]},
		after: object{"title": "Another title", "updatedAt": updated.text("updatedAt"), "limits": object{
			"maxClaims": 7.0, "budget": "0.00", "maxClaimsPerDay": 0.0, "claimWithinHours": 0.0,
		}},
	})
	for _, move := range []struct{ verb, from, to string }{{"pause", "ACTIVE", "PAUSED"}, {"resume", "PAUSED", "ACTIVE"}} {
		updated = tr.moves(staff, updated, move.verb, move.from, move.to)
	}
	assign(staff, id, player)
	assign(staff, id, player) // changes nothing
	tr.has(entry{
		service: "promotions", action: "ASSIGN_PROMOTION", actor: staff.id, target: id, after: object{"players": []any{player.id}},
	})
	claimed := player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": id})
	paid := text(claimed.body, "transaction.id")
	reverse := "/api/v1/users/" + player.id + "/transactions/" + paid + "/reverse"
	tr.call(201, "POST", reverse, object{"reason": "a mistake"})
	tr.call(201, "POST", reverse, object{"reason": "a mistake"}) // changes nothing
	tr.has(entry{action: "REVERSE_TRANSACTION", actor: tr.id, target: paid, after: object{
		"user_id": player.id, "type": "DEBIT", "amount": "20.00", "reason": "a mistake",
	}})
	planter(tr.t, c.ledger)(player.id, "planted", "8000.00", id)
	var anomaly string
	eventually(tr.t, "an anomaly is found", func() error {
		list := staff.call(200, "GET", "/api/v1/anomalies", nil).list("anomalies")
		if len(list) == 0 {
			return errors.New("there is none")
		}
		anomaly = text(list[0], "id")
		return nil
	})
	staff.call(200, "POST", "/api/v1/anomalies/"+anomaly+"/seen", nil)
	staff.call(200, "POST", "/api/v1/anomalies/"+anomaly+"/seen", nil) // changes nothing
	tr.has(entry{
		service: "promotions", action: "MARK_ANOMALY_SEEN", actor: staff.id, target: anomaly,
		before: object{"seen": false}, after: object{"seen": true},
	})
}

// drafts publishes and archives a draft.
func (tr trail) drafts(staff client) {
	draft := staff.call(201, "POST", "/api/v1/promotions", object{
		"title": "x", "type": "BONUS", "amount": "1", "startDate": "2020-01-01", "endDate": "2999-12-31", "draft": true,
	})
	published := tr.moves(staff, draft, "publish", "DRAFT", "ACTIVE")
	tr.moves(staff, published, "archive", "ACTIVE", "ARCHIVED")
}

// revocations revokes an assignment twice, of which the second time changes nothing.
func (tr trail) revocations(staff, player client) {
	id := newPromotion(staff, "BONUS", "1").text("id")
	assign(staff, id, player)
	for range 2 {
		staff.call(200, "POST", "/api/v1/promotions/"+id+"/revoke", object{"player_ids": []string{player.id}})
	}
	tr.has(entry{
		service: "promotions", action: "REVOKE_ASSIGNMENTS", actor: staff.id, target: id, after: object{"players": []any{player.id}},
	})
}

// jobs creates two jobs and changes their states. Their promotion is paused, so that they do not end before.
func (tr trail) jobs(staff client) {
	promotion := newPromotion(staff, "BONUS", "1").text("id")
	staff.call(200, "POST", "/api/v1/promotions/"+promotion+"/pause", nil)
	for _, next := range []struct{ verb, state string }{{"resume", "QUEUED"}, {"cancel", "CANCELLED"}} {
		id := staff.call(202, "POST", "/api/v1/promotions/"+promotion+"/assignment-jobs", object{
			"audience": object{"playerIds": []string{someID}}, "reassign": true,
		}).text("id")
		tr.has(entry{service: "promotions", action: "CREATE_ASSIGNMENT_JOB", actor: staff.id, target: id, after: object{
			"promotion_id": promotion, "dryRun": false, "reassign": true, "audience": "LINES", "total": 1.0,
		}})
		eventually(tr.t, "the job waits for its promotion", func() error {
			if got := staff.call(200, "GET", "/api/v1/assignment-jobs/"+id, nil).text("state"); got != "PAUSED" {
				return errors.New(got)
			}
			return nil
		})
		paused := object{"state": "PAUSED"}
		staff.call(200, "POST", "/api/v1/assignment-jobs/"+id+"/pause", nil)
		staff.call(200, "POST", "/api/v1/assignment-jobs/"+id+"/pause", nil) // changes nothing
		tr.has(entry{service: "promotions", action: "PAUSE_ASSIGNMENT_JOB", actor: staff.id, target: id, before: paused, after: paused})
		staff.call(200, "POST", "/api/v1/assignment-jobs/"+id+"/"+next.verb, nil)
		tr.has(entry{
			service: "promotions", action: strings.ToUpper(next.verb) + "_ASSIGNMENT_JOB", actor: staff.id, target: id,
			before: paused, after: object{"state": next.state},
		})
	}
}

// moves changes the state of a promotion twice, of which the second time changes nothing, and returns the promotion.
func (tr trail) moves(staff client, p answer, verb, from, to string) answer {
	path := "/api/v1/promotions/" + p.text("id") + "/" + verb
	moved := staff.call(200, "POST", path, nil)
	staff.call(200, "POST", path, nil)
	tr.has(entry{
		service: "promotions", action: strings.ToUpper(verb) + "_PROMOTION", actor: staff.id, target: p.text("id"),
		before: object{"isActive": from == "ACTIVE", "state": from, "updatedAt": p.text("updatedAt")},
		after:  object{"isActive": to == "ACTIVE", "state": to, "updatedAt": moved.text("updatedAt")},
	})
	return moved
}

// filters reads the trail with each filter, in pages, and with invalid filters.
func (tr trail) filters(staff client) {
	all := tr.pages("")
	if !slices.IsSortedFunc(all, func(a, b object) int { return strings.Compare(text(b, "id"), text(a, "id")) }) {
		tr.t.Error("the entries are not sorted by descending id")
	}
	middle := text(all[len(all)/2], "at")
	for query, matches := range map[string]func(object) bool{
		"service=promotions":          func(e object) bool { return text(e, "service") == "promotions" },
		"service=notifications":       func(object) bool { return false },
		"actor=" + staff.id:           func(e object) bool { return text(e, "actor") == staff.id },
		"target=" + staff.id:          func(e object) bool { return text(e, "target") == staff.id },
		"action=LOGIN":                func(e object) bool { return text(e, "action") == "LOGIN" },
		"from=" + middle:              func(e object) bool { return text(e, "at") >= middle },
		"to=" + middle:                func(e object) bool { return text(e, "at") <= middle },
		"from=0001-01-01T00:00:00Z":   func(object) bool { return true },
		"to=9999-12-31T23:59:59Z":     func(object) bool { return true },
		"to=1960-01-01T00:00:00Z":     func(object) bool { return false },
		"actor=" + someID:             func(object) bool { return false },
		"action=LOGIN&from=" + middle: func(e object) bool { return text(e, "action") == "LOGIN" && text(e, "at") >= middle },
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(e object) bool { return !matches(e) })
		if got := tr.pages(query); fmt.Sprint(got) != fmt.Sprint(want) {
			tr.t.Errorf("%s: got %d entries, want %d", query, len(got), len(want))
		}
	}
	for _, query := range []string{
		"service=x", "actor=x", "target=x", "action=x", "from=x", "to=2026-01-01", "page_token=x", "x=y", "actor=%20", "from=%20",
	} {
		a := tr.refused(400, "VALIDATION_FAILED", "GET", "/api/v1/audit?"+query, nil)
		field, _, _ := strings.Cut(query, "=")
		if len(a.list("violations")) != 1 || text(a.list("violations")[0], "field") != field {
			tr.t.Errorf("%s: got %v, want a violation of %s", query, a, field)
		}
	}
}

// pages reads all pages of the trail with a filter.
func (tr trail) pages(filter string) (all []object) {
	tr.t.Helper()
	for token := ""; ; {
		a := tr.call(200, "GET", "/api/v1/audit?page_size=7&page_token="+token+"&"+filter, nil)
		all = append(all, a.list("entries")...)
		if token = a.text("nextPageToken"); token == "" {
			if a.body["total"] != float64(len(all)) || a.body["totalIsEstimate"] != false {
				tr.t.Errorf("%s: total is %v, want %d", filter, a.body["total"], len(all))
			}
			return all
		}
	}
}

// complete checks that the test has done every act of the schema that it can do.
func (tr trail) complete() {
	tr.t.Helper()
	for number, action := range optionsv1.AuditAction_name {
		// A refresh token is reused only after the grace period; the tests of the service have REFRESH.
		if number == 0 || action == "REFRESH" {
			continue
		}
		if tr.call(200, "GET", "/api/v1/audit?action="+action, nil).body["total"] == 0.0 {
			tr.t.Errorf("the audit trail has no %s", action)
		}
	}
}

// logsSecurity checks the security log of the users service.
func (c *cluster) logsSecurity(staff client) {
	c.t.Helper()
	for _, want := range []string{
		`"event":"LOGIN","outcome":"INVALID_CREDENTIALS"`, `"event":"LOGIN","outcome":"OK"`, `"event":"ACCESS","outcome":"FORBIDDEN"`,
		`"event":"VERIFY_MFA","outcome":"MFA_CODE_INVALID"`, `"event":"LOGOUT","outcome":"OK"`,
	} {
		lines := c.logged("users", want)
		if len(lines) == 0 || !strings.Contains(lines[0], `"address":"127.0.0.1"`) || !strings.Contains(lines[0], `"request_id":`) {
			c.t.Errorf("the security log has the lines %q for %s, want an address and a request id", lines, want)
		}
	}
	for _, secret := range []string{password, staff.token, "wrong password", adminPassword} {
		if lines := c.logged("users", secret); len(lines) > 0 {
			c.t.Errorf("the log contains a secret: %q", lines)
		}
	}
}
