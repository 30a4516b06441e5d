package e2e_test

import (
	"errors"
	"strings"
	"testing"
)

// jobs assigns a promotion to audiences.
func jobs(t *testing.T, p platform) {
	staff, first, second := newStaff(t, p.admin(t)), newPlayer(t, p.url), newPlayer(t, p.url)
	id := newPromotion(staff, "BONUS", "20").text("id")
	path := "/api/v1/promotions/" + id + "/assignment-jobs"
	audience := object{"playerIds": []string{first.id, first.id, second.id, someID}}
	dry := finished(staff, staff.call(202, "POST", path, object{"audience": audience, "dryRun": true}))
	if dry.body["dryRun"] != true || text(dry.body, "forecast.liability") != "40.00" {
		t.Errorf("got %v, want a forecast of 40.00", dry)
	}
	first.refused(404, "NOT_FOUND", "POST", "/api/v1/promotions/claim", object{"promotion_id": id})

	created := staff.call(202, "POST", path, object{"audience": audience}, "Idempotency-Key", "job "+id)
	if again := staff.call(202, "POST", path, object{"audience": audience}, "Idempotency-Key", "job "+id); again.raw != created.raw {
		t.Errorf("got %v with the same key, want %v", again, created)
	}
	j := finished(staff, created)
	counts, _ := j.body["counts"].(object)
	for name, want := range map[string]float64{
		"total": 4, "processed": 4, "assigned": 2, "alreadyAssigned": 1, "unknown": 1, "inactive": 0, "restricted": 0, "malformed": 0,
	} {
		if counts[name] != want {
			t.Errorf("counts.%s is %v, want %v", name, counts[name], want)
		}
	}
	refused := staff.call(200, "GET", "/api/v1/assignment-jobs/"+j.text("id")+"/refused", nil).list("refused")
	if len(refused) != 1 || text(refused[0], "player") != someID || text(refused[0], "outcome") != "UNKNOWN_PLAYER" || refused[0]["line"] != 4.0 {
		t.Errorf("got %v, want the unknown player", refused)
	}
	assigned := first.call(200, "GET", "/api/v1/promotions/players/"+first.id, nil).list("assignments")[0]
	if text(assigned, "source") != "JOB" || text(assigned, "jobId") != j.text("id") {
		t.Errorf("got the assignment %v, want one of the job", assigned)
	}
	eventually(t, "the players are notified", func() error { return errors.Join(times(first, id, 1), times(second, id, 1)) })
	if list := staff.call(200, "GET", path, nil); list.body["total"] != 2.0 || text(list.list("jobs")[0], "id") != j.text("id") {
		t.Errorf("got the jobs %v, want both", list)
	}
	for _, verb := range []string{"pause", "resume", "cancel"} {
		staff.refused(409, "JOB_STATE_CONFLICT", "POST", "/api/v1/assignment-jobs/"+j.text("id")+"/"+verb, nil)
	}
	invalid(staff, "audience", "POST", path, object{"audience": object{}})
	invalid(staff, "audience", "POST", path, object{"audience": object{"all": true, "playerIds": []string{someID}}})
	invalid(staff, "audience.filter", "POST", path, object{"audience": object{"filter": object{}}})
	invalid(staff, "audience.playerIds[0]", "POST", path, object{"audience": object{"playerIds": []string{"x"}}})
	waits(staff, second)
	uploads(staff, first, second)
}

// uploads creates a job for the players of a CSV file.
func uploads(staff, first, second client) {
	staff.t.Helper()
	path := "/api/v1/promotions/" + newPromotion(staff, "BONUS", "20").text("id") + "/assignment-jobs/csv"
	file := verbatim("email\n" + strings.ToUpper(first.email) + "\r\n\nnobody-" + first.email + "\n" + second.id + "\nnonsense\n")
	csv := func(status int, path string, body any, headers ...string) answer {
		staff.t.Helper()
		return staff.call(status, "POST", path, body, append([]string{"Content-Type", "text/csv"}, headers...)...)
	}
	if dry := finished(staff, csv(202, path+"?dry_run=true", file)); text(dry.body, "forecast.liability") != "40.00" || dry.body["dryRun"] != true {
		staff.t.Errorf("got %v, want a forecast of 40.00", dry)
	}
	created := csv(202, path, file, "Idempotency-Key", path)
	if again := csv(202, path, file, "Idempotency-Key", path); again.raw != created.raw {
		staff.t.Errorf("got %v with the same key, want %v", again, created)
	}
	if a := csv(409, path, verbatim("nonsense"), "Idempotency-Key", path); a.text("code") != "IDEMPOTENCY_MISMATCH" {
		staff.t.Errorf("got %v for another file with the same key", a)
	}
	j := finished(staff, created)
	counts, _ := j.body["counts"].(object)
	if counts["total"] != 4.0 || counts["assigned"] != 2.0 || counts["unknown"] != 1.0 || counts["malformed"] != 1.0 {
		staff.t.Errorf("got %v, want two assignments, an unknown and a malformed player", counts)
	}
	refused := staff.call(200, "GET", "/api/v1/assignment-jobs/"+j.text("id")+"/refused", nil).list("refused")
	if len(refused) != 2 || refused[0]["line"] != 4.0 || refused[1]["line"] != 6.0 || text(refused[1], "outcome") != "MALFORMED" {
		staff.t.Errorf("got %v, want the lines 4 and 6", refused)
	}
	var lines strings.Builder
	next := "/api/v1/assignment-jobs/" + j.text("id") + "/refused?page_size=1"
	for pages := 0; next != "" && pages < 3; pages++ {
		page := staff.call(200, "GET", next, nil, "Accept", "text/csv")
		lines.WriteString(strings.TrimPrefix(page.raw, "line,player,outcome\n"))
		next, _, _ = strings.Cut(strings.TrimPrefix(page.header.Get("Link"), "<"), ">")
	}
	if want := "4,nobody-" + first.email + ",UNKNOWN_PLAYER\n6,nonsense,MALFORMED\n"; lines.String() != want || next != "" {
		staff.t.Errorf("got the pages %q and then %q, want %q", lines.String(), next, want)
	}
	for _, empty := range []string{"", "email\n", "\n \n"} {
		if a := csv(400, path, verbatim(empty)); a.text("code") != "VALIDATION_FAILED" {
			staff.t.Errorf("%q: got %v, want VALIDATION_FAILED", empty, a)
		}
	}
	staff.refused(415, "UNSUPPORTED_MEDIA_TYPE", "POST", path, object{})
	large := csv(202, path+"?dry_run=true", verbatim(strings.Repeat(someID+"\n", 60_000))) // 2 MiB
	if large = finished(staff, large); large.body["counts"].(object)["unknown"] != 60_000.0 {
		staff.t.Errorf("got %v, want 60000 unknown players", large)
	}
}

// waits creates a job of a paused promotion, which waits until it is resumed.
func waits(staff, player client) {
	staff.t.Helper()
	id := newPromotion(staff, "BONUS", "20").text("id")
	staff.call(200, "POST", "/api/v1/promotions/"+id+"/pause", nil)
	filter := object{"registeredFrom": player.call(200, "GET", "/api/v1/users/me", nil).text("createdAt")}
	j := staff.call(202, "POST", "/api/v1/promotions/"+id+"/assignment-jobs", object{"audience": object{"filter": filter}})
	eventually(staff.t, "the job waits", func() error {
		if got := staff.call(200, "GET", "/api/v1/assignment-jobs/"+j.text("id"), nil).text("state"); got != "PAUSED" {
			return errors.New(got)
		}
		return nil
	})
	staff.call(200, "POST", "/api/v1/promotions/"+id+"/resume", nil)
	if j = finished(staff, j); j.body["counts"].(object)["assigned"].(float64) < 1 {
		staff.t.Errorf("got %v, want the player to be assigned the promotion", j)
	}
	if a := player.call(200, "GET", "/api/v1/promotions/players/"+player.id, nil).list("assignments")[0]; text(a, "promotion_id") != id {
		staff.t.Errorf("got the assignment %v, want one of the filter", a)
	}
}

// finished waits until a job has succeeded, and returns it.
func finished(staff client, j answer) answer {
	staff.t.Helper()
	eventually(staff.t, "the job has succeeded", func() error {
		if j = staff.call(200, "GET", "/api/v1/assignment-jobs/"+j.text("id"), nil); j.text("state") != "SUCCEEDED" {
			return errors.New(j.raw)
		}
		return nil
	})
	return j
}
