package users_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Restrictions, SetRestriction and LiftRestrictions keep the restrictions of all users in memory.

func (s *fakeStore) Restrictions(_ context.Context, user uuid.UUID) ([]users.Restriction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.restrictions), func(r users.Restriction) bool { return r.UserID != user }), nil
}

func (s *fakeStore) SetRestriction(
	_ context.Context, _ uuid.UUID, r users.Restriction, replaces func(users.Restriction) (bool, error),
) (users.Restriction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	same := func(o users.Restriction) bool {
		return o.UserID == r.UserID && o.Kind == r.Kind && o.ByPlayer == r.ByPlayer
	}
	var before users.Restriction
	if i := slices.IndexFunc(s.restrictions, same); i >= 0 {
		before = s.restrictions[i]
	}
	if change, err := replaces(before); err != nil || !change {
		return before, err
	}
	r.CreatedAt = time.Now().UTC()
	s.restrictions = append(slices.DeleteFunc(s.restrictions, same), r)
	s.raise(r.UserID)
	return r, nil
}

func (s *fakeStore) LiftRestrictions(
	_ context.Context, _, player uuid.UUID, choose func([]users.Restriction) ([]users.Restriction, error),
) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	chosen, err := choose(s.restrictions)
	if err == nil {
		s.restrictions = slices.DeleteFunc(s.restrictions, func(r users.Restriction) bool { return slices.Contains(chosen, r) })
		s.raise(player)
	}
	return err
}

// raise increments the status version as a change of the restrictions does. The caller must hold mu.
func (s *fakeStore) raise(player uuid.UUID) {
	u := s.users[player]
	u.StatusVersion, u.RestrictionChanges = u.StatusVersion+1, u.RestrictionChanges+1
	s.users[player] = u
}

const (
	selfExclusion = users.RestrictionKindSelfExclusion
	coolOff       = users.RestrictionKindCoolOff
	optOut        = users.RestrictionKindMarketingOptOut
	bonusAbuse    = users.RestrictionKindBonusAbuse
)

// day returns the time in n days.
func day(n int) time.Time {
	return time.Now().Add(time.Duration(n) * 24 * time.Hour).UTC().Truncate(time.Microsecond)
}

// TestPlayersRestrictThemselves checks which changes of their restrictions players can make.
func TestPlayersRestrictThemselves(t *testing.T) {
	t.Parallel()
	never := time.Time{}
	week := day(7)
	for name, tt := range map[string]struct {
		kind          users.RestrictionKind
		before, until time.Time
		restricted    bool // whether the player has set the kind before
		want          apperr.Code
	}{
		"new":                          {kind: selfExclusion, until: never},
		"new with an end":              {kind: selfExclusion, until: week},
		"new in the past":              {kind: selfExclusion, until: day(-1), want: apperr.ValidationFailed},
		"extended":                     {selfExclusion, week, day(8), true, ""},
		"extended for ever":            {selfExclusion, week, never, true, ""},
		"repeated":                     {selfExclusion, week, week, true, ""},
		"repeated without an end":      {selfExclusion, never, never, true, ""},
		"shortened":                    {selfExclusion, week, day(6), true, apperr.RestrictionLocked},
		"shortened from for ever":      {selfExclusion, never, week, true, apperr.RestrictionLocked},
		"shortened to the past":        {selfExclusion, week, day(-1), true, apperr.ValidationFailed},
		"expired":                      {selfExclusion, day(-1), day(1), true, ""},
		"cool-off of a week":           {kind: coolOff, until: week},
		"cool-off of a day":            {kind: coolOff, until: day(1)},
		"cool-off of less than a day":  {kind: coolOff, until: day(1).Add(-2 * time.Minute), want: apperr.ValidationFailed},
		"cool-off without an end":      {kind: coolOff, until: never, want: apperr.ValidationFailed},
		"cool-off, almost over, again": {coolOff, day(0).Add(time.Hour), day(0).Add(2 * time.Hour), true, apperr.ValidationFailed},
		"cool-off, shortened":          {coolOff, week, day(6), true, apperr.RestrictionLocked},
		"opt-out":                      {kind: optOut, until: never},
		"opt-out, shortened":           {optOut, never, week, true, ""},
		"kind of employees":            {kind: bonusAbuse, until: never, want: apperr.ValidationFailed},
		"unknown kind":                 {kind: "", until: never, want: apperr.ValidationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			player := f.register("anna@example.com").ID
			if tt.restricted {
				f.store.restrictions = []users.Restriction{
					{ID: uuid.New(), UserID: player, Kind: tt.kind, Until: tt.before, SetBy: player, ByPlayer: true},
				}
			}
			want := slices.Clone(f.store.restrictions)
			got, err := f.AddRestriction(t.Context(), player, tt.kind, tt.until)
			checkCode(t, "add", err, tt.want)
			switch {
			case tt.want != "":
				if !slices.Equal(f.store.restrictions, want) {
					t.Errorf("got restrictions %+v, want %+v", f.store.restrictions, want)
				}
			case got.Kind != tt.kind || !got.Until.Equal(tt.until) || got.SetBy != player || !got.ByPlayer || !got.InForce(time.Now()):
				t.Errorf("got %+v, want %s until %s", got, tt.kind, tt.until)
			case len(f.store.restrictions) != 1 || f.store.restrictions[0] != got:
				t.Errorf("got restrictions %+v, want %+v", f.store.restrictions, got)
			}
		})
	}
}

// TestRestrictionsOfEmployeesStayHidden checks that a player neither sees nor changes what an employee has set.
func TestRestrictionsOfEmployeesStayHidden(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, staff := f.register("anna@example.com").ID, uuid.New()
	set := func(kind users.RestrictionKind, until time.Time) users.Restriction {
		t.Helper()
		r, err := f.SetRestriction(t.Context(), users.RestrictionParams{Player: player, Kind: kind, Until: until, Reason: "r", By: staff})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	of := func(all []users.Restriction, err error) []users.Restriction {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	hidden := []users.Restriction{set(selfExclusion, day(30)), set(optOut, time.Time{}), set(bonusAbuse, time.Time{})}
	if own := of(f.ListOwnRestrictions(t.Context(), player)); len(own) != 0 {
		t.Errorf("the player sees %+v", own)
	}
	checkCode(t, "lift the opt-out of an employee", f.LiftOwnRestriction(t.Context(), player, optOut), apperr.NotFound)
	checkCode(t, "lift a kind of employees", f.LiftOwnRestriction(t.Context(), player, bonusAbuse), apperr.NotFound)
	// The end is earlier than that of the employee. The answer is as without the employee's restriction, which stays.
	own, err := f.AddRestriction(t.Context(), player, selfExclusion, day(2))
	checkCode(t, "add", err, "")
	if got := of(f.ListOwnRestrictions(t.Context(), player)); len(got) != 1 || got[0] != own || own.Reason != "" {
		t.Errorf("the player sees %+v, want only %+v", got, own)
	}
	if got, want := of(f.ListRestrictions(t.Context(), player)), slices.Concat(hidden, []users.Restriction{own}); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	checkCode(t, "lift the own restriction", f.LiftOwnRestriction(t.Context(), player, selfExclusion), apperr.RestrictionLocked)
	checkCode(t, "lift of an employee", f.LiftRestriction(t.Context(), staff, player, selfExclusion), "")
	if got := of(f.ListRestrictions(t.Context(), player)); !slices.Equal(got, hidden[1:]) {
		t.Errorf("got %+v, want %+v", got, hidden[1:])
	}
	checkCode(t, "lift again", f.LiftRestriction(t.Context(), staff, player, selfExclusion), apperr.NotFound)
	_, err = f.AddRestriction(t.Context(), player, optOut, time.Time{})
	checkCode(t, "add the opt-out", err, "")
	checkCode(t, "lift the own opt-out", f.LiftOwnRestriction(t.Context(), player, optOut), "")
	if got := of(f.ListRestrictions(t.Context(), player)); !slices.Equal(got, hidden[1:]) {
		t.Errorf("got %+v, want %+v: the opt-out of the employee stays", got, hidden[1:])
	}
}

func TestEmployeesReplaceRestrictions(t *testing.T) {
	t.Parallel()
	f := start(t)
	player := f.register("anna@example.com").ID
	p := users.RestrictionParams{Player: player, Kind: selfExclusion, Until: day(7), Reason: "asked by phone", By: uuid.New()}
	first, err := f.SetRestriction(t.Context(), p)
	checkCode(t, "set", err, "")
	if again, err := f.SetRestriction(t.Context(), p); err != nil || again != first {
		t.Errorf("repeated: got %+v, %v, want the first restriction", again, err)
	}
	p.Until, p.Reason = day(2), "asked for less"
	shorter, err := f.SetRestriction(t.Context(), p)
	checkCode(t, "shorten", err, "")
	if got, err := f.ListRestrictions(t.Context(), player); err != nil || len(got) != 1 || got[0] != shorter {
		t.Errorf("got %+v, %v, want %+v", got, err, shorter)
	}
	p.Until = day(-1)
	_, err = f.SetRestriction(t.Context(), p)
	checkCode(t, "in the past", err, apperr.ValidationFailed)
	p.Kind, p.Until = coolOff, time.Time{}
	_, err = f.SetRestriction(t.Context(), p)
	checkCode(t, "cool-off without an end", err, apperr.ValidationFailed)
}

func TestExpiredRestrictions(t *testing.T) {
	t.Parallel()
	f := start(t)
	player := f.register("anna@example.com").ID
	for _, kind := range []users.RestrictionKind{selfExclusion, optOut} {
		f.store.restrictions = append(f.store.restrictions,
			users.Restriction{ID: uuid.New(), UserID: player, Kind: kind, Until: day(-1), SetBy: player, ByPlayer: true})
	}
	if got, err := f.ListRestrictions(t.Context(), player); err != nil || len(got) != 0 {
		t.Errorf("got %+v, %v, want none", got, err)
	}
	checkCode(t, "lift", f.LiftRestriction(t.Context(), uuid.New(), player, selfExclusion), apperr.NotFound)
	checkCode(t, "lift the own one", f.LiftOwnRestriction(t.Context(), player, optOut), apperr.NotFound)
}

// TestRestrictionsEndNoSession checks that a player does not notice a restriction: the session continues.
func TestRestrictionsEndNoSession(t *testing.T) {
	t.Parallel()
	f := start(t)
	player := f.register("anna@example.com").ID
	f.store.beforeUser = sync.OnceFunc(func() { // during the login
		_, err := f.SetRestriction(t.Context(), users.RestrictionParams{Player: player, Kind: selfExclusion, Reason: "r"})
		checkCode(t, "set during the login", err, "")
	})
	tokens := f.login("anna@example.com")
	for range 2 {
		_, err := f.SetRestriction(t.Context(), users.RestrictionParams{Player: player, Kind: bonusAbuse, Reason: uuid.NewString()})
		checkCode(t, "set", err, "")
		f.checkAccess(tokens, "")
		if tokens, err = f.Refresh(t.Context(), testClient(), tokens.Refresh); err != nil {
			t.Fatal(err)
		}
	}
	checkCode(t, "deactivate", second(f.store.SetActive(t.Context(), uuid.New(), player, false)), "")
	checkCode(t, "activate", second(f.store.SetActive(t.Context(), uuid.New(), player, true)), "")
	checkCode(t, "refresh", second(f.Refresh(t.Context(), testClient(), tokens.Refresh)), apperr.TokenRevoked)
}

func second[T any](_ T, err error) error { return err }

func TestPlayersChangeRestrictionsRarely(t *testing.T) {
	t.Parallel()
	f := start(t)
	player := f.register("anna@example.com").ID
	for range users.DefaultLimits().RestrictionsPerPlayer.N / 2 {
		_, err := f.AddRestriction(t.Context(), player, optOut, time.Time{})
		checkCode(t, "add", err, "")
		checkCode(t, "lift", f.LiftOwnRestriction(t.Context(), player, optOut), "")
	}
	_, err := f.AddRestriction(t.Context(), player, optOut, time.Time{})
	checkCode(t, "add", err, apperr.RateLimited)
	for range users.DefaultLimits().RestrictionsPerPlayer.N + 1 {
		_, err = f.AddRestriction(t.Context(), player, coolOff, day(0).Add(time.Hour))
		checkCode(t, "add a cool-off that is too short", err, apperr.ValidationFailed)
	}
	for _, kind := range []users.RestrictionKind{coolOff, selfExclusion} {
		_, err = f.AddRestriction(t.Context(), player, kind, day(2))
		checkCode(t, "add "+string(kind), err, "")
	}
	_, err = f.SetRestriction(t.Context(), users.RestrictionParams{Player: player, Kind: bonusAbuse, Reason: "r"})
	checkCode(t, "set by an employee", err, "")
}

func TestRefusedUntil(t *testing.T) {
	t.Parallel()
	week := day(7)
	of := func(kind users.RestrictionKind, until time.Time) users.Restriction {
		return users.Restriction{Kind: kind, Until: until}
	}
	for name, tt := range map[string]struct {
		open []users.Restriction
		want int64
	}{
		"none":             {nil, 0},
		"only the opt-out": {[]users.Restriction{of(optOut, time.Time{})}, 0},
		"the later end":    {[]users.Restriction{of(coolOff, day(1)), of(selfExclusion, week), of(optOut, time.Time{})}, week.UnixMicro()},
		"without an end":   {[]users.Restriction{of(bonusAbuse, time.Time{}), of(selfExclusion, week)}, 1<<63 - 1},
	} {
		if got := users.RefusedUntil(tt.open); got != tt.want {
			t.Errorf("%s: got %d, want %d", name, got, tt.want)
		}
	}
}
