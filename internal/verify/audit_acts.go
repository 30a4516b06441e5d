package verify

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

// actors are the kinds of users who can do an act.
type actors struct{ players, employees, operators bool }

// act describes an action: what all its entries have in common.
type act struct {
	service string
	// ofUser is whether the target is a user.
	ofUser bool
	by     actors
	// raises is whether the act increments the status version of the user.
	raises bool
	// flag is the member of the states before and after the act that it changes, or empty. The act sets the member, or clears
	// it. If maybe is true, the act can also leave the member as it is.
	flag        string
	sets, maybe bool
}

// The members of the states before and after an act.
const (
	activeUser   = "isActive" // whether the user is active
	activeFactor = "active"   // whether the second factor of the user is active
)

// acts returns all actions of the trail.
func acts() map[string]act {
	anybody, employee, operator := actors{players: true, employees: true}, actors{employees: true}, actors{operators: true}
	oneOfBoth := actors{employees: true, operators: true}
	ofUser := func(by actors) act { return act{service: "users", ofUser: true, by: by} }
	raises := func(a act) act { a.raises = true; return a }
	changes := func(a act, name string, sets, maybe bool) act { a.flag, a.sets, a.maybe = name, sets, maybe; return a }
	ofPromotions := act{service: "promotions", by: employee}
	return map[string]act{
		"LOGIN":               ofUser(anybody),
		"REFRESH":             ofUser(anybody),
		"LOGOUT":              ofUser(anybody),
		"CHANGE_PASSWORD":     raises(ofUser(anybody)),
		"END_SESSION":         ofUser(anybody),
		"END_SESSIONS":        raises(ofUser(anybody)),
		"ENROL_MFA":           ofUser(employee),
		"CONFIRM_MFA":         raises(changes(ofUser(employee), activeFactor, true, false)),
		"DISABLE_MFA":         changes(ofUser(employee), activeFactor, false, false),
		"VERIFY_MFA":          ofUser(employee),
		"RESET_MFA":           changes(ofUser(oneOfBoth), activeFactor, false, true),
		"REGISTER_STAFF":      ofUser(employee),
		"DEACTIVATE_USER":     raises(changes(ofUser(employee), activeUser, false, false)),
		"ACTIVATE_USER":       raises(changes(ofUser(employee), activeUser, true, false)),
		"RESTRICT_PLAYER":     raises(ofUser(employee)),
		"LIFT_RESTRICTION":    raises(ofUser(employee)),
		"REVERSE_TRANSACTION": {service: "users", by: oneOfBoth},
		"CREATE_ADMIN":        ofUser(operator),
		"RESET_ADMIN":         raises(changes(ofUser(operator), activeUser, true, true)),
		"CREATE_PROMOTION":    ofPromotions,
		"UPDATE_PROMOTION":    ofPromotions,
		"PUBLISH_PROMOTION":   ofPromotions,
		"PAUSE_PROMOTION":     ofPromotions,
		"RESUME_PROMOTION":    ofPromotions,
		"ARCHIVE_PROMOTION":   ofPromotions,
		"ASSIGN_PROMOTION":    ofPromotions,
		"REVOKE_ASSIGNMENTS":  ofPromotions,
		"MARK_ANOMALY_SEEN":   ofPromotions,

		"CREATE_ASSIGNMENT_JOB": ofPromotions,
		"PAUSE_ASSIGNMENT_JOB":  ofPromotions,
		"RESUME_ASSIGNMENT_JOB": ofPromotions,
		"CANCEL_ASSIGNMENT_JOB": ofPromotions,
	}
}

// checkEntry reports an entry that the platform cannot have recorded. The parameter role is the role of the target, or empty
// if the target is not a user. It returns the act, or false if the entry was reported or records a failure.
func (t *trail) checkEntry(e *entry, role string) (act, bool) {
	t.entries++
	a, known := t.acts[e.action]
	problem := "the action is unknown"
	if known {
		problem = t.problem(e, a, role)
	}
	if problem == "" {
		return a, e.ok()
	}
	t.violationf("%s: %s", e, problem)
	return act{}, false
}

// problem returns why the platform cannot have recorded an entry, or an empty text.
func (t *trail) problem(e *entry, a act, role string) string {
	switch made := e.idTime(); {
	case e.id.Version() != 7 || made.Sub(e.at).Abs() > clockTolerance:
		return "the id is not a UUIDv7 of " + e.at.UTC().Format(time.RFC3339)
	case e.at.Sub(t.now) > clockTolerance:
		return "it is of the future: " + e.at.UTC().Format(time.RFC3339)
	case e.service != a.service:
		return fmt.Sprintf("the service is %s, want %s", e.service, a.service)
	case e.actor != uuid.Nil && e.actorRole == "":
		return fmt.Sprintf("the actor %s does not exist", e.actor)
	case e.ok() && e.actor == uuid.Nil && !a.by.operators:
		return "it has no actor"
	case e.ok() && e.actor != uuid.Nil && !a.by.include(e.actorRole):
		return fmt.Sprintf("the actor %s has the role %s", e.actor, e.actorRole)
	case e.longTerm != (e.ok() && e.actorRole != rolePlayer):
		return fmt.Sprintf("long_term is %t, want %t", e.longTerm, !e.longTerm)
	case e.ok() && a.ofUser && role == "":
		return fmt.Sprintf("user %s does not exist", e.target)
	}
	return ""
}

const rolePlayer = "PLAYER"

// include reports whether users with a role can do the act.
func (a actors) include(role string) bool {
	if role == rolePlayer {
		return a.players
	}
	return a.employees
}
