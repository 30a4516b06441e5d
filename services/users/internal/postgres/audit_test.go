package postgres_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	pgerrors "github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// acting returns a context with an act of an admin.
func (f *fixture) acting(action users.AuditAction) (context.Context, *audit.Act) {
	act := &audit.Act{
		Action: string(action), Actor: newID(f), Role: authn.RoleAdmin, Session: newID(f), Address: netip.MustParseAddr("192.0.2.1"),
	}
	return audit.With(f.Context(), act), act
}

// trail returns the entries of the audit trail, oldest first.
func (f *fixture) trail() []users.AuditEntry {
	f.Helper()
	page, err := f.store.AuditEntries(f.Context(), users.AuditFilter{}, keyset.PageRequest[uuid.UUID]{Size: 1000})
	if err != nil {
		f.Fatal(err)
	}
	slices.Reverse(page.Items)
	return page.Items
}

func TestActsAreRecordedInTheirTransaction(t *testing.T) {
	f := newFixture(t)
	ctx, act := f.acting(users.AuditActionDeactivateUser)
	u := f.create("a@example.com", authn.RolePlayer) // not audited
	for range 2 {                                    // the second call changes nothing
		if _, err := f.store.SetActive(ctx, uuid.Nil, u.ID, false); err != nil {
			t.Fatal(err)
		}
	}
	entries := f.trail()
	if len(entries) != 1 {
		t.Fatalf("got the entries %v, want one", entries)
	}
	e := entries[0]
	if e.Service != "users" || e.Actor != act.Actor || e.Target != u.ID || e.Session != act.Session || e.Address != "192.0.2.1" ||
		e.Outcome != "OK" || e.Before["isActive"] != true || e.After["isActive"] != false || !e.LongTerm {
		t.Errorf("got %+v", e)
	}
	// If the entry cannot be stored, the change is rolled back.
	f.exec("ALTER TABLE audit ADD CONSTRAINT refuse CHECK (action <> 'ACTIVATE_USER')")
	ctx, _ = f.acting(users.AuditActionActivateUser)
	if _, err := f.store.SetActive(ctx, uuid.Nil, u.ID, true); err == nil {
		t.Error("a change without an entry was committed")
	}
	if stored, err := f.store.User(t.Context(), u.ID); err != nil || stored.IsActive {
		t.Errorf("got %+v, %v, want a deactivated user", stored, err)
	}
}

func TestTheAuditTrailIsAppendOnly(t *testing.T) {
	f := newFixture(t)
	ctx, _ := f.acting(users.AuditActionLogin)
	if err := f.store.Record(ctx, audit.Change{}, nil); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"UPDATE audit SET outcome = 'x'", "UPDATE audit SET outcome = outcome WHERE false", "DELETE FROM audit", "TRUNCATE audit",
	} {
		if _, err := f.pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s: got no error", sql)
		} else if name, _ := pgerrors.ConstraintViolated(err); name != "audit_append_only" {
			t.Errorf("%s: got %v, want a violation of audit_append_only", sql, err)
		}
	}
	if len(f.trail()) != 1 {
		t.Error("the entry is lost")
	}
}

func TestPruneAudit(t *testing.T) {
	f := newFixture(t)
	const day = 24 * time.Hour
	add := func(age time.Duration, longTerm bool) uuid.UUID {
		at := time.Now().Add(-age)
		e := users.AuditEntry{ID: idAt(at), At: at, Service: "users", Action: users.AuditActionLogin, Outcome: "OK", LongTerm: longTerm}
		if err := f.store.AddAuditEntry(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		return e.ID
	}
	add(101*day, true)
	add(3*day, false)
	kept := []uuid.UUID{add(99*day, true), add(47*time.Hour, false), add(time.Minute, true), add(0, false)}
	prune := func(r postgres.AuditRetention, want int64) {
		t.Helper()
		if got, err := f.store.PruneAudit(t.Context(), r); err != nil || got != want {
			t.Errorf("%v: %d entries were deleted, %v; want %d", r, got, err, want)
		}
	}
	prune(postgres.AuditRetention{Acts: 100 * day, Logins: 2 * day}, 2)
	prune(postgres.AuditRetention{Acts: 100 * day, Logins: 2 * day}, 0)
	var left []uuid.UUID
	for _, e := range f.trail() {
		left = append(left, e.ID)
	}
	if !slices.Equal(left, kept) {
		t.Errorf("the entries %v are left, want %v", left, kept)
	}
	prune(postgres.AuditRetention{}, 2) // the database keeps the others for the minimum time
	if len(f.trail()) != 2 {
		t.Errorf("got %v, want the two new entries", f.trail())
	}
}

// idAt returns a UUIDv7 of a time.
func idAt(at time.Time) uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	ms := at.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	return id
}

// TestReversalsAreRecordedOnce checks that the entry about a reversal is stored with it.
func TestReversalsAreRecordedOnce(t *testing.T) {
	f := newFixture(t)
	r := f.replica(postgres.LedgerOptions{})
	player := f.insertPlayer()
	tx, err := r.AddTransaction(t.Context(), users.Entry{
		UserID: player, Type: users.TransactionTypeCredit, Amount: 500, IdempotencyKey: "a",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, act := f.acting(users.AuditActionReverseTransaction)
	for range 2 {
		if _, err := r.ReverseTransaction(ctx, users.Reversal{UserID: player, TransactionID: tx.ID, Reason: "x", By: act.Actor}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = r.ReverseTransaction(ctx, users.Reversal{UserID: player, TransactionID: tx.ID, Reason: "y", By: act.Actor})
	if apperr.CodeOf(err) != apperr.TransactionAlreadyReversed {
		t.Errorf("got %v", err)
	}
	entries := f.trail()
	if len(entries) != 1 || entries[0].Target != tx.ID || entries[0].After["amount"] != "5.00" {
		t.Errorf("got %v, want one entry about the reversal", entries)
	}
}
