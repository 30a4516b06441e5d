package users

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
)

// ServiceName is the name of the service in the audit trail.
const ServiceName = "users"

// AuditFilter selects entries of the audit trail. A zero field selects all entries.
type AuditFilter struct {
	Service       string
	Actor, Target uuid.UUID
	Action        AuditAction
	// From and To are the earliest and the latest time.
	From, To time.Time
}

// NewAuditEntry returns the entry of the trail for an entry about an act in this service.
func NewAuditEntry(e audit.Entry) AuditEntry {
	return AuditEntry{
		ID: e.ID, At: e.At, Service: ServiceName, Actor: e.Actor, Action: AuditAction(e.Action), Target: e.Target,
		Address: e.Address, Session: e.Session, Outcome: e.Outcome, Before: e.Before, After: e.After, LongTerm: e.LongTerm,
	}
}

// ListAuditEntries lists entries of the audit trail of all services, newest first.
func (s *Service) ListAuditEntries(
	ctx context.Context, f AuditFilter, p keyset.PageRequest[uuid.UUID],
) (keyset.Page[AuditEntry], error) {
	return s.store.AuditEntries(ctx, f, p)
}

// AddAuditEntry adds an entry of another service to the trail. It does nothing if the trail has the entry.
func (s *Service) AddAuditEntry(ctx context.Context, e AuditEntry) error {
	return s.store.AddAuditEntry(ctx, e)
}

// record adds an entry about the act in ctx to the trail, in a transaction of its own. It is for acts that change nothing in
// the database. It does nothing if the call is not audited. It works even if ctx has ended, because a client could otherwise
// keep an act out of the trail with a short deadline.
func (s *Service) record(ctx context.Context, c audit.Change, failure error) error {
	if audit.From(ctx) == nil {
		return nil
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	return s.store.Record(ctx, c, failure)
}

// detachTimeout limits the time of an effect and of its entry in the audit trail after the client has given up.
const detachTimeout = 5 * time.Second

// detach returns a context for an effect outside the database and its entry. It does not end with the call: a client that
// gives up in between must not cause an effect without an entry, or an entry without an effect.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), detachTimeout)
}

// refusalInterval is the time in which at most one refusal by a rate limit is recorded for a client.
const refusalInterval = 10 * time.Minute

// recordFailure records that the act in ctx failed with failure, and returns failure. Only refused credentials are recorded,
// not outages and invalid requests. Refusals by a rate limit cost an attacker little, so at most one of them is recorded for
// a client per refusalInterval.
//
// If the entry cannot be stored, recordFailure returns the error of the store: nobody learns whether a password is right
// without a trace.
func (s *Service) recordFailure(ctx context.Context, c audit.Change, client string, failure error) error {
	// The caller may have disconnected after the password was checked.
	ctx, cancel := detach(ctx)
	defer cancel()
	switch apperr.CodeOf(failure) {
	case apperr.InvalidCredentials, apperr.AccountDeactivated, apperr.MfaRequired, apperr.MfaCodeInvalid:
	case apperr.RateLimited:
		if audit.From(ctx) == nil {
			return failure
		}
		once := ratelimit.Limit{N: 1, Per: refusalInterval}
		if s.limiter.Allow(ctx, "audit:refusal:"+client, once) != nil {
			return failure
		}
	default:
		return failure
	}
	if err := s.record(ctx, c, failure); err != nil {
		return err
	}
	return failure
}
