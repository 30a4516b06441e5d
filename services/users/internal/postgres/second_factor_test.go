package postgres_test

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/users"
)

func (f *fixture) enrol(user uuid.UUID, secret string) users.SecondFactor {
	f.Helper()
	factor := users.SecondFactor{
		User: user, Secret: []byte(secret), RecoveryCodes: []string{"one", "two", "three"},
		CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
	if enrolled, err := f.store.EnrolSecondFactor(f.Context(), factor); err != nil || !enrolled {
		f.Fatalf("the enrolment was refused: %v", err)
	}
	return factor
}

// proofOf returns a proof with a time step.
func (f *fixture) proofOf(factor users.SecondFactor, step int64) users.FactorProof {
	return users.FactorProof{
		User: factor.User, Secret: factor.Secret, Step: step, Session: newID(f), At: time.Now().UTC().Truncate(time.Microsecond),
	}
}

// accepted calls use 20 times at once and returns how often it returned true.
func (f *fixture) accepted(use func(context.Context, users.FactorProof) (bool, error), p users.FactorProof) int {
	f.Helper()
	var n atomic.Int32
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			ok, err := use(f.Context(), p)
			if err != nil {
				f.Error(err)
			}
			if ok {
				n.Add(1)
			}
		})
	}
	calls.Wait()
	return int(n.Load())
}

func TestSecondFactorCodesAreAcceptedOnce(t *testing.T) {
	f := newFixture(t)
	user := f.insertPlayer()
	if got, err := f.store.SecondFactor(t.Context(), user); err != nil || got.User != uuid.Nil {
		t.Errorf("got %v, %v, want no factor", got, err)
	}
	old := f.enrol(user, "old")
	factor := f.enrol(user, "secret")
	check := func(name string, use func(context.Context, users.FactorProof) (bool, error), p users.FactorProof, want int) {
		t.Helper()
		if got := f.accepted(use, p); got != want {
			t.Errorf("%s: accepted %d times, want %d", name, got, want)
		}
	}
	s := f.store
	check("use of a factor that is not active", s.UseSecondFactor, f.proofOf(factor, 9), 0)
	check("confirmation of a replaced enrolment", s.ConfirmSecondFactor, f.proofOf(old, 10), 0)
	check("confirmation", s.ConfirmSecondFactor, f.proofOf(factor, 10), 1)
	if enrolled, err := s.EnrolSecondFactor(t.Context(), factor); err != nil || enrolled {
		t.Errorf("an active factor was replaced: %t, %v", enrolled, err)
	}
	marked, err := s.User(t.Context(), user)
	confirmed, factorErr := s.SecondFactor(t.Context(), user)
	if err != nil || factorErr != nil || !marked.SessionsToEnd || marked.KeptSession != confirmed.VerifiedSession ||
		marked.StatusVersion != 1 {
		t.Errorf("after the confirmation: got %+v, %v, %v, want all other sessions marked for ending once", marked, err, factorErr)
	}
	check("code of the confirmation", s.UseSecondFactor, f.proofOf(factor, 10), 0)
	check("earlier code", s.UseSecondFactor, f.proofOf(factor, 9), 0)
	check("next code", s.UseSecondFactor, f.proofOf(factor, 11), 1)

	recovery := f.proofOf(factor, 0)
	recovery.RecoveryCode = "two"
	check("recovery code", s.UseSecondFactor, recovery, 1)
	check("used recovery code", s.DisableSecondFactor, recovery, 0)
	want := factor
	want.RecoveryCodes, want.Active, want.LastStep = []string{"one", "three"}, true, 11
	want.VerifiedSession, want.VerifiedAt = recovery.Session, recovery.At
	if got, err := s.SecondFactor(t.Context(), user); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	recovery.RecoveryCode = "three"
	check("removal", s.DisableSecondFactor, recovery, 1)
	if got, err := s.SecondFactor(t.Context(), user); err != nil || got.User != uuid.Nil {
		t.Errorf("got %v, %v, want no factor", got, err)
	}
}

// TestResetsRecordTheStateOfTheFactor checks that the entry about a reset shows whether the factor was active.
func TestResetsRecordTheStateOfTheFactor(t *testing.T) {
	f := newFixture(t)
	user := f.create("a@example.com", authn.RoleStaff).ID
	reset := func() {
		t.Helper()
		ctx, _ := f.acting(users.AuditActionResetMfa)
		if err := f.store.ResetSecondFactor(ctx, user); err != nil {
			t.Fatal(err)
		}
	}
	reset() // there is no factor
	f.enrol(user, "one")
	reset()
	factor := f.enrol(user, "two")
	if confirmed, err := f.store.ConfirmSecondFactor(t.Context(), f.proofOf(factor, 10)); err != nil || !confirmed {
		t.Fatal(confirmed, err)
	}
	reset()
	entries := f.trail()
	if len(entries) != 2 || entries[0].Before["active"] != false || entries[1].Before["active"] != true {
		t.Errorf("got the entries %v, want one for an inactive and one for an active factor", entries)
	}
}
