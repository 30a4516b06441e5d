package verify_test

import (
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/services/users"
)

// newRestricted returns a platform whose player has seven transactions. Number 5 is a promotional credit before a
// restriction, which was lifted after number 6. Number 7 is a promotional credit after that.
func newRestricted(t *testing.T) *platform {
	t.Helper()
	p := newPlatform(t)
	credit := users.Entry{Type: users.TransactionTypeCredit, Amount: 1}
	promotional := credit
	promotional.Purpose = users.TransactionPurposePromotion
	p.add(t, p.keys[0], promotional, credit, promotional)
	p.exec(t, p.users, `
		INSERT INTO restrictions (id, user_id, kind, reason, set_by, by_player, created_at, entries, ended_at, ended_entries, until) VALUES
			('`+event+`', '`+player+`', 'BONUS_ABUSE', '', '`+other+`', false, '2026-01-02', 5, '2026-01-04', 6, NULL),
			(gen_random_uuid(), '`+player+`', 'MARKETING_OPT_OUT', '', '`+other+`', false, '2026-01-02', 0, NULL, 0, NULL),
			(gen_random_uuid(), '`+player+`', 'COOL_OFF', '', '`+other+`', false, '2026-01-02', 0, NULL, 0, '2026-01-03'),
			(gen_random_uuid(), '`+other+`', 'SELF_EXCLUSION', '', '`+other+`', true, '2026-01-02', 0, NULL, 0, NULL);
		UPDATE users SET promotions_refused_until = extract(epoch FROM '2026-01-03'::timestamptz) * 1000000 WHERE id = '`+player+`';
		UPDATE users SET promotions_refused_until = 9223372036854775807 WHERE id = '`+other+`'`)
	p.exec(t, p.promotions, `
		INSERT INTO player_restrictions (id, user_id, kind, by_player) VALUES
			(gen_random_uuid(), '`+player+`', 'MARKETING_OPT_OUT', false), (gen_random_uuid(), '`+other+`', 'SELF_EXCLUSION', true);
		UPDATE players SET restrictions_version = 1, promotions_muted_until = 9223372036854775807;
		UPDATE players SET promotions_refused_until = 9223372036854775807 WHERE id = '`+other+`'`)
	return p
}

// TestCreditsAfterRestrictions damages the restrictions and the row that the ledger reads.
func TestCreditsAfterRestrictions(t *testing.T) {
	t.Parallel()
	const noTriggers = "SET session_replication_role = replica; "
	credit := func(n string) string {
		return " of user " + player + ", number " + n + ": a promotional credit after the restriction BONUS_ABUSE of 2026-01-02T00:00:00Z"
	}
	for name, tt := range map[string]struct {
		sql  string
		want []string
	}{
		"none":                                  {"SELECT", nil},
		"credit before the restriction was set": {"UPDATE restrictions SET entries = 4 WHERE kind = 'BONUS_ABUSE'", []string{credit("5")}},
		"credit before the restriction was lifted": {"UPDATE restrictions SET ended_entries = 7 WHERE kind = 'BONUS_ABUSE'",
			[]string{credit("7")}},
		"credit before one of two restrictions expired": {`UPDATE restrictions SET ended_entries = 7 WHERE kind = 'BONUS_ABUSE';
			UPDATE restrictions SET until = now() + interval '30 minutes' WHERE kind = 'COOL_OFF';
			UPDATE restrictions SET entries = 6 WHERE kind = 'COOL_OFF'`,
			[]string{"number 7: a promotional credit after the restriction", "until 2026-01-03T00:00:00Z, but the restrictions say"}},
		"credits for promotions, one without the purpose": {`UPDATE restrictions SET entries = 0 WHERE kind = 'BONUS_ABUSE';
			UPDATE transactions SET purpose = '' WHERE seq = 1`, []string{credit("1"), credit("5"), "number 1: the MAC does not match"}},
		"restriction that the ledger does not know": {"UPDATE users SET promotions_refused_until = 0",
			[]string{"user " + player + ": the ledger refuses promotional credits until never, but the restrictions say 2026-01-03T00:00:00Z",
				"user " + other + ": the ledger refuses promotional credits until never, but the restrictions say for ever"}},
		"restriction that was removed": {"DELETE FROM restrictions WHERE kind = 'SELF_EXCLUSION'",
			[]string{"user " + other + ": the ledger refuses promotional credits until for ever, but the restrictions say never",
				"promotions has the restrictions (SELF_EXCLUSION by the player) of player " + other + ", but users has (none)"}},
		"user who does not exist": {"UPDATE restrictions SET user_id = '" +
			event + "' WHERE kind = 'SELF_EXCLUSION'; UPDATE users SET promotions_refused_until = 0 WHERE id = '" + other + "'",
			[]string{"a user with restrictions does not exist",
				"promotions has the restrictions (SELF_EXCLUSION by the player) of player " + other + ", but users has (none)",
				"promotions has the restrictions (none) of player " + event + ", but users has (SELF_EXCLUSION by the player)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newRestricted(t)
			p.exec(t, p.users, noTriggers+tt.sql)
			n, out := p.verify(t)
			for _, text := range tt.want {
				if !strings.Contains(out, "VIOLATION restrictions: ") || !strings.Contains(out, text) {
					t.Errorf("the output does not contain %q", text)
				}
			}
			if n != len(tt.want) || t.Failed() {
				t.Errorf("got %d violations, want %d:\n%s", n, len(tt.want), out)
			}
		})
	}
}

// TestEditedPurpose hides that a credit is promotional. Its MAC covers the purpose.
func TestEditedPurpose(t *testing.T) {
	t.Parallel()
	p := newRestricted(t)
	p.exec(t, p.users, "SET session_replication_role = replica; UPDATE transactions SET purpose = '' WHERE seq = 5")
	if n, out := p.verify(t); n != 1 || !strings.Contains(out, "number 5: the MAC does not match") {
		t.Errorf("got %d violations, want one of the transaction:\n%s", n, out)
	}
}

// TestSchemaWithoutRestrictions verifies a database that an older release has migrated. Only the MAC of the credit for a claim
// differs, because the ledger of this release has stored it with the purpose.
func TestSchemaWithoutRestrictions(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.exec(t, p.users, `DROP TABLE restrictions; ALTER TABLE transactions DROP COLUMN purpose;
		ALTER TABLE users DROP COLUMN promotions_refused_until, DROP COLUMN restriction_changes`)
	if n, out := p.verify(t); n != 1 || !strings.Contains(out, "number 1: the MAC does not match") {
		t.Errorf("got %d violations, want the one of the purpose:\n%s", n, out)
	}
}
