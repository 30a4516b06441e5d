package postgres_test

import (
	"context"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	pgerrors "github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// restriction returns a restriction of a player by an employee, without an end.
func restriction(player uuid.UUID) users.Restriction {
	return users.Restriction{
		ID: uuid.Must(uuid.NewV7()), UserID: player, Kind: users.RestrictionKindBonusAbuse, Reason: "reason", SetBy: uuid.New(),
	}
}

// setRestriction stores r, whatever it replaces.
func (f *fixture) setRestriction(ctx context.Context, by uuid.UUID, r users.Restriction) (users.Restriction, error) {
	return f.store.SetRestriction(ctx, by, r, func(users.Restriction) (bool, error) { return true, nil })
}

// restrict does the same as setRestriction, for an operator. It fails the test if an error occurs.
func (f *fixture) restrict(r users.Restriction) users.Restriction {
	f.Helper()
	r, err := f.setRestriction(f.Context(), uuid.Nil, r)
	if err != nil {
		f.Fatal(err)
	}
	return r
}

// lift ends the restrictions of a player of a kind.
func (f *fixture) lift(ctx context.Context, by, player uuid.UUID, kind users.RestrictionKind) error {
	return f.store.LiftRestrictions(ctx, by, player, func(open []users.Restriction) ([]users.Restriction, error) {
		return slices.DeleteFunc(open, func(r users.Restriction) bool { return r.Kind != kind }), nil
	})
}

// refusedUntil returns the time that the ledger reads with a player's balance.
func (f *fixture) refusedUntil(player uuid.UUID) int64 {
	f.Helper()
	return int64(f.count("SELECT promotions_refused_until FROM users WHERE id = $1", player))
}

func TestSetRestriction(t *testing.T) {
	f := newFixture(t)
	player := f.create("p@example.com", authn.RolePlayer)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	abuse := restriction(player.ID)
	abuse.Until = until
	optOut := restriction(player.ID)
	optOut.Kind, optOut.ByPlayer, optOut.SetBy, optOut.Reason = users.RestrictionKindMarketingOptOut, true, player.ID, ""
	abuse, optOut = f.restrict(abuse), f.restrict(optOut)
	if got := f.refusedUntil(player.ID); got != until.UnixMicro() {
		t.Errorf("promotions are refused until %d, want %d", got, until.UnixMicro())
	}
	f.mustAdd(f.replica(postgres.LedgerOptions{}), credit(player.ID, 100))
	forEver := restriction(player.ID)
	before := users.Restriction{}
	got, err := f.store.SetRestriction(t.Context(), uuid.Nil, forEver, func(b users.Restriction) (bool, error) { before = b; return true, nil })
	forEver.CreatedAt = got.CreatedAt
	if err != nil || got != forEver || before != abuse || !got.CreatedAt.After(abuse.CreatedAt) {
		t.Errorf("got %+v, %v in place of %+v; want %+v in place of %+v", got, err, before, forEver, abuse)
	}
	if got := f.refusedUntil(player.ID); got != math.MaxInt64 {
		t.Errorf("promotions are refused until %d, want for ever", got)
	}
	forEver.Entries = 1
	listed, err := f.store.Restrictions(t.Context(), player.ID)
	if want := []users.Restriction{optOut, forEver}; err != nil || !slices.Equal(listed, want) {
		t.Errorf("got %+v, %v, want %+v", listed, err, want)
	}
	if n := f.count("SELECT count(*) FROM restrictions WHERE id = $1 AND ended_entries = 1 AND ended_at = $2", abuse.ID, forEver.CreatedAt); n != 1 {
		t.Error("the replaced restriction has no end")
	}
	u, err := f.store.User(t.Context(), player.ID)
	if err != nil || u.StatusVersion != 3 || u.SessionVersion() != 0 || u.SessionsToEnd {
		t.Errorf("got %+v, %v, want the status version 3 and the session version 0", u, err)
	}
	f.exec("DELETE FROM outbox WHERE topic <> 'players'")
	restricted, kind := usersv1.PlayerEventType_PLAYER_RESTRICTED, users.RestrictionKindBonusAbuse
	f.wantPlayerEvents(
		playerEvent(usersv1.PlayerEventType_PLAYER_REGISTERED, player, 0),
		playerEvent(restricted, player, 1, kind),
		playerEvent(restricted, player, 2, kind, optOut.Kind),
		playerEvent(restricted, player, 3, optOut.Kind, kind),
	)
}

// TestConcurrentRestrictionsDoNotOverlap replaces a restriction while other changes wait for the lock on the player. Each
// restriction must end when the next one begins, and not before it began.
func TestConcurrentRestrictionsDoNotOverlap(t *testing.T) {
	f := newFixture(t)
	player := f.create("p@example.com", authn.RolePlayer)
	tx, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM users WHERE id = $1 FOR UPDATE", player.ID); err != nil {
		t.Fatal(err)
	}
	const changes = 4
	waiting := make([]users.Restriction, changes)
	for i := range waiting {
		waiting[i] = restriction(player.ID)
		waiting[i].CreatedAt = time.Now().UTC()
	}
	slices.Reverse(waiting) // the one that was made last gets the lock first
	var wg sync.WaitGroup
	for i, r := range waiting {
		wg.Go(func() { f.restrict(r) })
		for f.count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") <= i {
			if t.Context().Err() != nil {
				t.Fatal(t.Context().Err())
			}
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if n := f.count("SELECT count(*) FROM restrictions WHERE ended_at < created_at"); n != 0 {
		t.Errorf("%d restrictions end before they began", n)
	}
	const successors = `SELECT count(*) FROM restrictions a JOIN restrictions b ON b.created_at = a.ended_at AND b.id <> a.id`
	if n := f.count(successors); n != changes-1 {
		t.Errorf("%d restrictions end when another one begins, want %d", n, changes-1)
	}
}

func TestUnchangedRestrictionsWriteNothing(t *testing.T) {
	f := newFixture(t)
	player := f.create("p@example.com", authn.RolePlayer)
	first := f.restrict(restriction(player.ID))
	ctx, _ := f.acting(users.AuditActionRestrictPlayer)
	keep := func(users.Restriction) (bool, error) { return false, nil }
	if got, err := f.store.SetRestriction(ctx, uuid.Nil, restriction(player.ID), keep); err != nil || got != first {
		t.Errorf("got %+v, %v, want %+v", got, err, first)
	}
	locked := apperr.New(apperr.RestrictionLocked, "locked")
	refuse := func(users.Restriction) (bool, error) { return false, locked }
	if _, err := f.store.SetRestriction(ctx, uuid.Nil, restriction(player.ID), refuse); apperr.CodeOf(err) != apperr.RestrictionLocked {
		t.Errorf("got %v, want RESTRICTION_LOCKED", err)
	}
	f.wantPlayerEvents(
		playerEvent(usersv1.PlayerEventType_PLAYER_REGISTERED, player, 0),
		playerEvent(usersv1.PlayerEventType_PLAYER_RESTRICTED, player, 1, first.Kind),
	)
	if n := len(f.trail()); n != 0 {
		t.Errorf("%d acts were recorded, want none", n)
	}
}

func TestLiftRestrictions(t *testing.T) {
	f := newFixture(t)
	player := f.create("p@example.com", authn.RolePlayer)
	byEmployee := f.restrict(restriction(player.ID))
	excluded := restriction(player.ID)
	excluded.Kind = users.RestrictionKindSelfExclusion
	f.restrict(excluded)
	if err := f.lift(t.Context(), uuid.Nil, player.ID, excluded.Kind); err != nil {
		t.Fatal(err)
	}
	if got := f.refusedUntil(player.ID); got != math.MaxInt64 {
		t.Errorf("promotions are refused until %d, want for ever", got)
	}
	if err := f.lift(t.Context(), uuid.Nil, player.ID, byEmployee.Kind); err != nil {
		t.Fatal(err)
	}
	if got := f.refusedUntil(player.ID); got != 0 {
		t.Errorf("promotions are refused until %d, want never", got)
	}
	if listed, err := f.store.Restrictions(t.Context(), player.ID); err != nil || len(listed) != 0 {
		t.Errorf("got %+v, %v, want none", listed, err)
	}
	restricted := usersv1.PlayerEventType_PLAYER_RESTRICTED
	f.wantPlayerEvents(
		playerEvent(usersv1.PlayerEventType_PLAYER_REGISTERED, player, 0),
		playerEvent(restricted, player, 1, byEmployee.Kind),
		playerEvent(restricted, player, 2, byEmployee.Kind, excluded.Kind),
		playerEvent(restricted, player, 3, byEmployee.Kind),
		playerEvent(usersv1.PlayerEventType_PLAYER_UNRESTRICTED, player, 4),
	)
}

// TestStatusEventsContainRestrictions checks that each event about a status tells the restrictions, also after a loss of
// events.
func TestStatusEventsContainRestrictions(t *testing.T) {
	f := newFixture(t)
	player := f.create("p@example.com", authn.RolePlayer)
	kind := f.restrict(restriction(player.ID)).Kind
	if _, err := f.store.SetActive(t.Context(), uuid.Nil, player.ID, false); err != nil {
		t.Fatal(err)
	}
	deactivated := playerEvent(usersv1.PlayerEventType_PLAYER_DEACTIVATED, player, 2, kind)
	f.wantPlayerEvents(
		playerEvent(usersv1.PlayerEventType_PLAYER_REGISTERED, player, 0),
		playerEvent(usersv1.PlayerEventType_PLAYER_RESTRICTED, player, 1, kind), deactivated,
	)
	f.exec("DELETE FROM outbox")
	lost := users.LostEvents{Registrations: []uuid.UUID{player.ID}, Statuses: []uuid.UUID{player.ID}}
	if n, err := f.store.Republish(t.Context(), lost); err != nil || n != 3 {
		t.Fatalf("got %d events, %v, want 3", n, err)
	}
	f.wantPlayerEvents(playerEvent(usersv1.PlayerEventType_PLAYER_REGISTERED, player, 0), deactivated, deactivated)
	other := f.create("q@example.com", authn.RolePlayer)
	players, restrictions, err := f.store.Players(t.Context(), uuid.Nil, 2)
	if err != nil || len(players) != 2 || len(restrictions[player.ID]) != 1 || restrictions[player.ID][0].Kind != kind ||
		len(restrictions[other.ID]) != 0 {
		t.Errorf("got players %+v with restrictions %+v, %v, want one restriction %s", players, restrictions, err, kind)
	}
}

func TestRestrictionsAreRecorded(t *testing.T) {
	f := newFixture(t)
	player := f.create("p@example.com", authn.RolePlayer)
	first, second := restriction(player.ID), restriction(player.ID)
	first.Until = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	ctx, _ := f.acting(users.AuditActionRestrictPlayer)
	for _, r := range []users.Restriction{first, second} {
		if _, err := f.setRestriction(ctx, uuid.Nil, r); err != nil {
			t.Fatal(err)
		}
	}
	ctx, _ = f.acting(users.AuditActionLiftRestriction)
	if err := f.lift(ctx, uuid.Nil, player.ID, second.Kind); err != nil {
		t.Fatal(err)
	}
	state := func(of ...users.Restriction) map[string]any {
		list := []any{}
		for _, r := range of {
			until := ""
			if !r.Until.IsZero() {
				until = "2099-01-01T00:00:00Z"
			}
			list = append(list, map[string]any{"kind": "BONUS_ABUSE", "until": until, "reason": "reason", "setBy": r.SetBy.String()})
		}
		return map[string]any{"restrictions": list}
	}
	want := [][2]map[string]any{{state(), state(first)}, {state(first), state(second)}, {state(second), state()}}
	trail := f.trail()
	if len(trail) != len(want) {
		t.Fatalf("got the entries %+v, want %d", trail, len(want))
	}
	for i, e := range trail {
		if e.Target != player.ID || e.Outcome != "OK" || !reflect.DeepEqual([2]map[string]any{e.Before, e.After}, want[i]) {
			t.Errorf("entry %d: got %+v, want %v", i+1, e, want[i])
		}
	}
}

func TestRestrictionsOfOthersAreRefused(t *testing.T) {
	f := newFixture(t)
	player, staff := f.create("p@example.com", authn.RolePlayer), f.create("s@example.com", authn.RoleStaff)
	former := f.insertUser(authn.RoleStaff, false)
	for name, tt := range map[string]struct {
		by, player uuid.UUID
		want       apperr.Code
	}{
		"unknown player":       {staff.ID, uuid.New(), apperr.NotFound},
		"employee":             {staff.ID, staff.ID, apperr.NotFound},
		"deactivated employee": {former, player.ID, apperr.TokenRevoked},
		"unknown employee":     {uuid.New(), player.ID, apperr.TokenRevoked},
	} {
		if _, err := f.setRestriction(t.Context(), tt.by, restriction(tt.player)); apperr.CodeOf(err) != tt.want {
			t.Errorf("set, %s: got %v, want %s", name, err, tt.want)
		}
		if err := f.lift(t.Context(), tt.by, tt.player, users.RestrictionKindBonusAbuse); apperr.CodeOf(err) != tt.want {
			t.Errorf("lift, %s: got %v, want %s", name, err, tt.want)
		}
	}
	if _, err := f.store.Restrictions(t.Context(), uuid.New()); apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("list of an unknown user: got %v, want NOT_FOUND", err)
	}
	if listed, err := f.store.Restrictions(t.Context(), staff.ID); err != nil || len(listed) != 0 {
		t.Errorf("list of an employee: got %v, %v, want none", listed, err)
	}
}

func TestRestrictionsAreAppendOnly(t *testing.T) {
	f := newFixture(t)
	player := f.create("p@example.com", authn.RolePlayer)
	f.restrict(restriction(player.ID))
	f.restrict(restriction(player.ID))
	for _, sql := range []string{
		"DELETE FROM restrictions", "TRUNCATE restrictions", "UPDATE restrictions SET until = now()", "UPDATE restrictions SET reason = 'x'",
		"UPDATE restrictions SET entries = 7", "UPDATE restrictions SET ended_at = NULL WHERE ended_at IS NOT NULL",
		"UPDATE restrictions SET ended_entries = 9 WHERE ended_at IS NOT NULL",
	} {
		if _, err := f.pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s: got no error", sql)
		} else if name, _ := pgerrors.ConstraintViolated(err); name != "restrictions_append_only" {
			t.Errorf("%s: got %v, want a violation of restrictions_append_only", sql, err)
		}
	}
}
