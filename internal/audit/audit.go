// Package audit describes acts for the audit trail. The server puts an [Act] into the context of a call that the schema
// audits. The store adds an entry about the act to the transaction that makes the change.
package audit

import (
	"context"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
)

// OK is the outcome of an act that succeeded. Other outcomes are error codes.
const OK = "OK"

// Act is an act that is in progress. Only the goroutine of the call uses it.
type Act struct {
	// Action is the name of a value of the schema's AuditAction.
	Action string
	// Actor is the user who acts, with Role. It is zero for operators, and until a login succeeds.
	Actor uuid.UUID
	Role  authn.Role
	// Operator is true for acts of operators, who work on the database.
	Operator bool
	Session  uuid.UUID
	// Target is the id of the resource that the act changes.
	Target  uuid.UUID
	Address netip.Addr

	recorded bool
}

type actKey struct{}

// With returns a context that carries the act. If the act is nil, calls with the context are not audited.
func With(ctx context.Context, a *Act) context.Context { return context.WithValue(ctx, actKey{}, a) }

// From returns the act in ctx, or nil if the call is not audited.
func From(ctx context.Context) *Act {
	a, _ := ctx.Value(actKey{}).(*Act)
	return a
}

// Recorded reports whether an entry about the act was made.
func (a *Act) Recorded() bool { return a.recorded }

// Change is the effect of an act: the changed members of the target before and after it.
type Change struct {
	// Target replaces the target of the act, unless it is zero.
	Target        uuid.UUID
	Before, After map[string]any
}

// Entry is an entry of the audit trail.
type Entry struct {
	ID                     uuid.UUID
	At                     time.Time
	Action                 string
	Actor, Target, Session uuid.UUID
	// Address is empty if it is unknown.
	Address string
	// Outcome is OK or an error code.
	Outcome       string
	Before, After map[string]any
	// LongTerm is true for acts of employees and operators that succeeded. Strangers and players cannot cause such entries.
	LongTerm bool
}

// Entry returns a new entry about the act, which failed with err if err is not nil.
func (a *Act) Entry(at time.Time, c Change, err error) (Entry, error) {
	id, failure := uuid.NewV7()
	if failure != nil {
		return Entry{}, failure
	}
	if c.Target != uuid.Nil {
		a.Target = c.Target
	}
	a.recorded = true
	e := Entry{
		ID: id, At: at, Action: a.Action, Actor: a.Actor, Target: a.Target, Session: a.Session,
		Outcome: OK, Before: orEmpty(c.Before), After: orEmpty(c.After),
	}
	if a.Address.IsValid() {
		e.Address = a.Address.String()
	}
	if err != nil {
		e.Outcome = string(apperr.CodeOf(err))
	}
	employee := a.Role == authn.RoleStaff || a.Role == authn.RoleAdmin
	e.LongTerm = err == nil && (employee || a.Operator)
	return e, nil
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
