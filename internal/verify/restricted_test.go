package verify_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/verify"
)

// TestRestrictionsInPromotions damages what promotions knows about restrictions.
func TestRestrictionsInPromotions(t *testing.T) {
	t.Parallel()
	const differ = "promotions has the restrictions (MARKETING_OPT_OUT by staff%s) of player " + player + ", but users has (MARKETING_OPT_OUT by staff)"
	for name, tt := range map[string]struct {
		users, promotions string
		want              string
		lost              bool
	}{
		"none": {},
		"expired restriction": {promotions: `INSERT INTO player_restrictions (id, user_id, kind, by_player, until)
			VALUES (gen_random_uuid(), '` + player + `', 'COOL_OFF', true, now());
			UPDATE players SET promotions_refused_until = 1000000 WHERE id = '` + player + `'`},
		"restriction that did not arrive": {promotions: "DELETE FROM player_restrictions WHERE kind = 'SELF_EXCLUSION'; " +
			"UPDATE players SET promotions_refused_until = 0, promotions_muted_until = 0 WHERE id = '" + other + "'",
			want: "promotions has the restrictions (none) of player " + other + ", but users has (SELF_EXCLUSION by the player)", lost: true},
		"restriction on its way": {
			users: "UPDATE restrictions SET created_at = now() + interval '1 hour' WHERE kind = 'SELF_EXCLUSION'",
			promotions: "DELETE FROM player_restrictions WHERE kind = 'SELF_EXCLUSION'; " +
				"UPDATE players SET promotions_refused_until = 0, promotions_muted_until = 0 WHERE id = '" + other + "'"},
		"another end": {promotions: "UPDATE player_restrictions SET until = '2099-01-01' WHERE user_id = '" + player + `';
			UPDATE players SET promotions_muted_until = extract(epoch FROM '2099-01-01'::timestamptz) * 1000000 WHERE id = '` + player + "'",
			want: strings.Replace(differ, "%s", " until 4070908800000000", 1), lost: true},
		"player who decides otherwise": {promotions: "UPDATE players SET promotions_refused_until = 0 WHERE id = '" + other + "'",
			want: "promotions decides about player " + other + " by other restrictions than it stores: (SELF_EXCLUSION by the player)"},
		"player who is not muted": {promotions: "UPDATE players SET promotions_muted_until = 0 WHERE id = '" + player + "'",
			want: "promotions decides about player " + player + " by other restrictions than it stores: (MARKETING_OPT_OUT by staff)"},
		"player who is refused without a restriction": {
			promotions: "UPDATE players SET promotions_refused_until = 9223372036854775807 WHERE id = '" + player + "'",
			want:       "promotions decides about player " + player + " by other restrictions than it stores"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newRestricted(t)
			p.exec(t, p.users, "SET session_replication_role = replica; "+tt.users)
			p.exec(t, p.promotions, tt.promotions)
			n, out := p.verify(t)
			want := 0
			if tt.want != "" {
				want = 1
			}
			if n != want || tt.want != "" && !strings.Contains(out, "VIOLATION restricted: "+tt.want) {
				t.Errorf("got %d violations, want %d: %s\n%s", n, want, tt.want, out)
			}
			lost, err := verify.FindLost(t.Context(), p.sources(), verify.Options{Now: p.now, Delay: time.Minute})
			if err != nil || (len(lost.Statuses) > 0) != tt.lost {
				t.Errorf("got the lost statuses %v, %v, want some: %t", lost.Statuses, err, tt.lost)
			}
		})
	}
}

// TestMutedAssignments verifies assignments of players who were not notified.
func TestMutedAssignments(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		assigned, muted string
		stored          int // the number of notifications of the open assignment
		valid, lost     bool
	}{
		"notified":                   {"1", "0", 1, true, false},
		"muted":                      {"1", "1", 0, true, false},
		"muted, but notified":        {"1", "1", 1, false, false},
		"neither muted nor notified": {"1", "0", 0, false, true},
		"muted once of twice":        {"2", "1", 1, true, false},
		"muted twice":                {"2", "2", 0, true, false},
		"one notification too many":  {"2", "1", 2, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.exec(t, p.promotions, "ALTER TABLE player_promotions DISABLE TRIGGER player_promotions_frozen; "+
				"UPDATE player_promotions SET times_assigned = "+tt.assigned+", times_muted = "+tt.muted+" WHERE NOT claimed")
			p.stored = p.stored[:1]
			for i := range tt.stored {
				p.stored = append(p.stored, verify.Notification{UserID: uuid.MustParse(player), Seq: int64(i + 2), Type: "promotion", ContentID: open})
			}
			n, out := p.verify(t)
			if (n == 0) != tt.valid {
				t.Errorf("got %d violations, want none: %t\n%s", n, tt.valid, out)
			}
			lost, err := verify.FindLost(t.Context(), p.sources(), verify.Options{Now: p.now, Delay: time.Minute})
			var want []uuid.UUID
			if tt.lost {
				want = []uuid.UUID{uuid.MustParse(openAssignment)}
			}
			if err != nil || !reflect.DeepEqual(lost.Assignments, want) {
				t.Errorf("got the lost assignments %v, %v, want %v", lost.Assignments, err, want)
			}
		})
	}
}

// TestPromotionsWithoutRestrictions verifies a database of promotions that an older release has migrated.
func TestPromotionsWithoutRestrictions(t *testing.T) {
	t.Parallel()
	p := newRestricted(t)
	p.exec(t, p.promotions, `DROP TABLE player_restrictions, refusals; ALTER TABLE player_promotions DROP COLUMN times_muted;
		ALTER TABLE players DROP COLUMN restrictions_version, DROP COLUMN promotions_refused_until, DROP COLUMN promotions_muted_until`)
	if n, out := p.verify(t); n != 0 {
		t.Errorf("got %d violations, want none:\n%s", n, out)
	}
}
