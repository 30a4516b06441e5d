package verify

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
)

// auditedUsersSQL reads each user with the entries about the user, in the order of indexes.
const auditedUsersSQL = `
	SELECT u.id, u.role, u.email, u.is_active, u.status_version, u.created_at, COALESCE(f.active, false), f.created_at, ` +
	entryColumns + `
	FROM users u LEFT JOIN second_factors f ON f.id = u.id LEFT JOIN audit a ON a.target = u.id ORDER BY u.id, a.id`

// checkUsers checks the entries about users, and that they lead to the current state of each user.
func (t *trail) checkUsers(ctx context.Context) error {
	rows, err := t.snapshot.Query(ctx, auditedUsersSQL)
	if err != nil {
		return err
	}
	var current, next auditedUser
	var e entry
	destinations := append([]any{
		&next.id, &next.role, &next.email, &next.active, &next.version, &next.createdAt, &next.factor,
		(*columns.Time)(&next.factorAt),
	}, e.columns()...)
	_, err = pgx.ForEachRow(rows, destinations, func() error {
		if next.id != current.id {
			current.finish(t)
			current = next
			t.users++
		}
		if e.id == uuid.Nil {
			return nil
		}
		if a, ok := t.checkEntry(&e, current.role); ok {
			current.add(t, &e, a)
		}
		return nil
	})
	current.finish(t)
	return err
}

// auditedUser is a user and the effects that the entries about the user record.
type auditedUser struct {
	id          uuid.UUID
	role, email string
	active      bool
	version     int64
	createdAt   time.Time
	factor      bool      // whether the second factor is active
	factorAt    time.Time // when the second factor was enrolled; zero if there is none

	registered int     // entries about the registration
	raised     int64   // entries about increments of the status version
	enrolled   bool    // whether an entry records the enrolment of the second factor
	status     changes // the changes of active
	second     changes // the changes of factor
}

// registration returns the action that registers users of a role. Players register themselves, without an entry.
func registration(role string) string {
	return map[string]string{"STAFF": "REGISTER_STAFF", "ADMIN": "CREATE_ADMIN"}[role]
}

// add adds an entry about an act that succeeded.
func (u *auditedUser) add(t *trail, e *entry, a act) {
	if a.raises {
		u.raised++
	}
	switch e.action {
	case "REGISTER_STAFF", "CREATE_ADMIN":
		role, email := member[string](e.after, "role"), member[string](e.after, "email")
		if e.action != registration(u.role) || role != u.role || email != u.email {
			t.violationf("%s: it does not have the role and the e-mail of user %s", e, u.id)
			return
		}
		u.registered++
	case "ENROL_MFA":
		if e.at.Sub(u.factorAt).Abs() <= clockTolerance {
			u.enrolled = true
		}
	}
	if a.flag == "" {
		return
	}
	before, after := member[bool](e.before, a.flag), member[bool](e.after, a.flag)
	if before == a.sets || after != a.sets {
		if before != after || !a.maybe {
			t.violationf("%s: the states before and after it do not record the act", e)
		}
		return
	}
	if a.flag == activeUser {
		u.status.add(e.at, after)
	} else {
		u.second.add(e.at, after)
	}
}

// finish checks the current state of the user after the last entry.
func (u *auditedUser) finish(t *trail) {
	if u.id == uuid.Nil {
		return
	}
	complete := !u.createdAt.Before(t.complete)
	if name := registration(u.role); u.registered > 1 || u.registered == 0 && name != "" && complete {
		t.violationf("user %s with the role %s, created at %s, has %d entries %s, want 1",
			u.id, u.role, u.createdAt.UTC().Format(time.RFC3339), u.registered, name)
	}
	if u.raised > u.version {
		t.violationf("user %s has the status version %d, but %d entries record changes of it", u.id, u.version, u.raised)
	}
	if !u.status.leadsTo(u.active, true, complete) {
		t.violationf("user %s is active: %t, but the entries about the status do not lead to this", u.id, u.active)
	}
	if !u.second.leadsTo(u.factor, false, complete) {
		t.violationf("user %s has an active second factor: %t, but the entries about it do not lead to this", u.id, u.factor)
	}
	if !u.factorAt.IsZero() && !u.factorAt.Before(t.complete) && !u.enrolled {
		t.violationf("user %s has a second factor of %s without an entry ENROL_MFA", u.id, u.factorAt.UTC().Format(time.RFC3339))
	}
}

// changes are the changes of a boolean state that entries record.
type changes struct {
	// sum is the number of changes to true minus the number of changes to false.
	sum int
	// n is the number of changes. The first one was made at first and changed the value initial.
	n             int
	initial       bool
	first, second time.Time
}

func (c *changes) add(at time.Time, after bool) {
	switch c.n++; c.n {
	case 1:
		c.first, c.initial = at, !after
	case 2:
		c.second = at
	}
	c.sum += number(after) - number(!after)
}

// leadsTo reports whether the changes can lead to a value. If complete is true, no entry is missing, and the changes begin
// with the value start. Otherwise they begin with the value before the oldest entry. The clocks of replicas do not order
// entries within clockTolerance, so the oldest entry may be unknown.
func (c *changes) leadsTo(value, start, complete bool) bool {
	sum := number(value) - c.sum
	switch {
	case complete:
		return sum == number(start)
	case c.n == 1 || c.n > 1 && c.second.Sub(c.first) > clockTolerance:
		return sum == number(c.initial)
	}
	return sum == 0 || sum == 1
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
