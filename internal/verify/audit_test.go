package verify_test

import (
	"cmp"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/app"
)

const (
	admin   = "01890000-0000-7000-8000-0000000000e1"
	staff   = "01890000-0000-7000-8000-0000000000e2"
	anomaly = "01890000-0000-7000-8000-0000000000f1"
)

// audited is a platform with employees and an audit trail. Its entries are ten minutes apart, except for the last one.
type audited struct {
	*platform
	// entries has the id of each entry. The key is its action, for players with the prefix "PLAYER ".
	entries map[string]string
	// reversal is the id of the transaction that reverses the second one.
	reversal string
}

// firstEntry is the age of the oldest entry.
const firstEntry = 4 * time.Hour

func newAudited(t *testing.T) *audited {
	t.Helper()
	p := &audited{platform: newPlatform(t), entries: map[string]string{}}
	start := time.Now().Add(-firstEntry)
	at := func(n int) string {
		return "'" + start.Add(time.Duration(n)*10*time.Minute).UTC().Format(time.RFC3339Nano) + "'"
	}
	created := at(0)
	p.exec(t, p.users, `UPDATE users SET created_at = `+created+`;
		UPDATE users SET status_version = 5, restriction_changes = 2, sessions_to_end = false WHERE id = '`+other+`';
		INSERT INTO users (id, email, email_folded, role, created_at, password_hash, status_version) VALUES
			('`+admin+`', 'admin@example.com', 'admin@example.com', 'ADMIN', `+at(1)+`, '', 1),
			('`+staff+`', 'staff@example.com', 'staff@example.com', 'STAFF', `+at(2)+`, '', 1);
		INSERT INTO second_factors (id, secret, recovery_codes, active, last_step, created_at) VALUES
			('`+staff+`', '', '', true, 1, `+at(5)+`);
		INSERT INTO restrictions (id, user_id, kind, reason, set_by, by_player, created_at, entries, ended_at) VALUES
			('`+event+`', '`+other+`', 'BONUS_ABUSE', 'r', '`+staff+`', false, `+at(18)+`, 0, `+at(19)+`),
			('`+anomaly+`', '`+other+`', 'MARKETING_OPT_OUT', '', '`+other+`', true, `+at(18)+`, 0, NULL)`)
	restricted := map[string]any{"restrictions": []any{map[string]any{"kind": "BONUS_ABUSE", "reason": "r"}}}
	p.exec(t, p.promotions, `ALTER TABLE player_promotions DISABLE TRIGGER player_promotions_frozen;
		INSERT INTO player_restrictions (id, user_id, kind, by_player) VALUES (gen_random_uuid(), '`+other+`', 'MARKETING_OPT_OUT', true);
		UPDATE players SET restrictions_version = 1, promotions_muted_until = 9223372036854775807 WHERE id = '`+other+`';
		UPDATE player_promotions SET assigned_by = '`+staff+`', revoked_at = now() WHERE NOT claimed;
		INSERT INTO anomalies (id, rule, detail, created_at, seen, seen_by, seen_at, subject, window_start) VALUES
			('`+anomaly+`', 'CLAIM_RATE', '', now(), true, '`+staff+`', now(), '`+player+`', now())`)
	for i, e := range []users.AuditEntry{
		{Action: "CREATE_ADMIN", Target: uuid.MustParse(admin), After: registered("admin@example.com", "ADMIN")},
		{Action: "REGISTER_STAFF", Actor: uuid.MustParse(admin), Target: uuid.MustParse(staff), After: registered("staff@example.com", "STAFF")},
		{Action: "LOGIN", Outcome: "INVALID_CREDENTIALS"},
		{Action: "LOGIN", Actor: uuid.MustParse(staff), Target: uuid.MustParse(staff)},
		{Action: "ENROL_MFA", Actor: uuid.MustParse(staff), Target: uuid.MustParse(staff)},
		{Action: "CONFIRM_MFA", Actor: uuid.MustParse(staff), Target: uuid.MustParse(staff), Before: state("active", false), After: state("active", true)},
		{Action: "DEACTIVATE_USER", Actor: uuid.MustParse(admin), Target: uuid.MustParse(other), Before: state("isActive", true), After: state("isActive", false)},
		{Action: "ACTIVATE_USER", Actor: uuid.MustParse(admin), Target: uuid.MustParse(other), Before: state("isActive", false), After: state("isActive", true)},
		{Action: "PLAYER CHANGE_PASSWORD", Actor: uuid.MustParse(other), Target: uuid.MustParse(other)},
		{Action: "RESET_ADMIN", Target: uuid.MustParse(admin)},
		{Action: "RESET_MFA", Actor: uuid.MustParse(admin), Target: uuid.MustParse(staff), Before: state("active", false)},
		{Action: "CREATE_PROMOTION", Actor: uuid.MustParse(staff), Target: uuid.MustParse(open)},
		{Action: "UPDATE_PROMOTION", Actor: uuid.MustParse(staff), Target: uuid.MustParse(open)},
		{Action: "PAUSE_PROMOTION", Actor: uuid.MustParse(staff), Target: uuid.MustParse(open)},
		{Action: "RESUME_PROMOTION", Actor: uuid.MustParse(staff), Target: uuid.MustParse(open)},
		{Action: "ASSIGN_PROMOTION", Actor: uuid.MustParse(staff), Target: uuid.MustParse(open), After: map[string]any{"players": []string{player}}},
		{Action: "MARK_ANOMALY_SEEN", Actor: uuid.MustParse(staff), Target: uuid.MustParse(anomaly)},
		{Action: "RESTRICT_PLAYER", Actor: uuid.MustParse(staff), Target: uuid.MustParse(other), After: restricted},
		{Action: "LIFT_RESTRICTION", Actor: uuid.MustParse(staff), Target: uuid.MustParse(other), Before: restricted},
		{Action: "REVOKE_ASSIGNMENTS", Actor: uuid.MustParse(staff), Target: uuid.MustParse(open), After: map[string]any{"players": []string{player}}},
	} {
		e.At = start.Add(time.Duration(i+1) * 10 * time.Minute)
		e.ID = idAt(e.At)
		p.entries[string(e.Action)] = e.ID.String()
		p.insert(t, e)
	}
	p.reverse(t)
	return p
}

func registered(email, role string) map[string]any {
	return map[string]any{"email": email, "role": role, "isActive": true}
}

func state(name string, value bool) map[string]any { return map[string]any{name: value} }

// idAt returns a UUIDv7 of a time.
func idAt(at time.Time) uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	ms := at.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	return id
}

// insert inserts an entry. It derives the service and the class from the action, the actor and the outcome.
func (p *audited) insert(t *testing.T, e users.AuditEntry) {
	t.Helper()
	action, ofPlayer := strings.CutPrefix(string(e.Action), "PLAYER ")
	service := "users"
	if strings.HasSuffix(action, "_PROMOTION") || action == "REVOKE_ASSIGNMENTS" || action == "MARK_ANOMALY_SEEN" {
		service = "promotions"
	}
	nullable := func(id uuid.UUID) any {
		if id == uuid.Nil {
			return nil
		}
		return id
	}
	_, err := p.users.Exec(t.Context(), `
		INSERT INTO audit (id, at, service, actor, action, target, address, outcome, before, after, long_term)
		VALUES ($1, $2, $3, $4, $5, $6, '', $7, COALESCE($8, '{}'::jsonb), COALESCE($9, '{}'::jsonb), $10)`,
		e.ID, e.At, service, nullable(e.Actor), action, nullable(e.Target), cmp.Or(e.Outcome, "OK"), e.Before, e.After,
		e.Outcome == "" && !ofPlayer)
	if err != nil {
		t.Fatal(err)
	}
}

// reverse reverses the second transaction, as an admin does.
func (p *audited) reverse(t *testing.T) {
	t.Helper()
	ledger, err := app.OpenLedger(t.Context(), p.users, p.keys[0], func() {}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	by := uuid.MustParse(admin)
	act := &audit.Act{Action: "REVERSE_TRANSACTION", Actor: by, Role: authn.RoleAdmin, Address: netip.MustParseAddr("192.0.2.1")}
	tx, err := ledger.LedgerService.ReverseTransaction(audit.With(t.Context(), act), users.Reversal{
		UserID: uuid.MustParse(player), TransactionID: uuid.MustParse(p.transactions[1]), Reason: "a mistake", By: by,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.reversal = tx.ID.String()
	var entry string
	row := p.users.QueryRow(t.Context(), "SELECT id::text FROM audit WHERE action = 'REVERSE_TRANSACTION'")
	if err := row.Scan(&entry); err != nil {
		t.Fatal(err)
	}
	p.entries["REVERSE_TRANSACTION"] = entry
	p.exec(t, p.users, "DELETE FROM outbox")
}

// expect verifies the platform and compares the violations with parts of their texts.
func (p *audited) expect(t *testing.T, want ...string) {
	t.Helper()
	n, out := p.verify(t)
	for _, text := range want {
		if !strings.Contains(out, "VIOLATION audit trail: "+text) {
			t.Errorf("the output does not contain the violation %q", text)
		}
	}
	if n != len(want) || t.Failed() {
		t.Errorf("got %d violations, want %d:\n%s", n, len(want), out)
	}
}

func TestAuditTrailWithoutViolations(t *testing.T) {
	t.Parallel()
	p := newAudited(t)
	p.expect(t)
	if _, out := p.verify(t); !strings.Contains(out, "audit trail    21 entries, 4 users: ok") {
		t.Errorf("the output does not count the entries and the users:\n%s", out)
	}
}

// TestDamagedAuditTrail changes entries or their effects with SQL. The output must name each damaged row, and no other row.
func TestDamagedAuditTrail(t *testing.T) {
	t.Parallel()
	// of begins the violations of an entry.
	of := func(p *audited, action string) string {
		return "entry " + p.entries[action] + ", " + strings.TrimPrefix(action, "PLAYER ") + ": "
	}
	set := func(action, sql string) string {
		return "UPDATE audit SET " + sql + " WHERE action = '" + action + "' AND outcome = 'OK'"
	}
	remove := func(action string) string { return "DELETE FROM audit WHERE action = '" + action + "'" }
	repeat := func(action string) string {
		return `INSERT INTO audit SELECT (left(id::text, 24) || '000000000001')::uuid, at, service, actor, action, target, address,
			session, outcome, before, after, long_term FROM audit WHERE action = '` + action + "'"
	}
	// entryOf has the text of a case with one violation of an entry.
	entryOf := func(action, text string) func(*audited) []string {
		return func(p *audited) []string { return []string{of(p, action) + text} }
	}
	// ended inserts a restriction of a kind, set by the player and ended half an hour ago.
	ended := func(kind, until string) string {
		return `INSERT INTO restrictions (id, user_id, kind, reason, set_by, by_player, created_at, entries, ended_at, until) VALUES
			('` + claimed + `', '` + other + `', '` + kind + `', '', '` + other + `', true, now() - interval '4 hours', 0, now() - interval '30 minutes', ` + until + `)`
	}
	// endedOf has the text about a restriction that ended for no reason.
	endedOf := func(id, kind string) string {
		return "the restriction " + id + ", " + kind + " of user " + other + ", ended at "
	}
	texts := func(texts ...string) func(*audited) []string { return func(*audited) []string { return texts } }
	for name, tt := range map[string]struct {
		users, promotions string
		want              func(p *audited) []string
	}{
		"removed entry of a restriction": {remove("RESTRICT_PLAYER"), "",
			texts("no entry records the restriction " + event + ", BONUS_ABUSE of user " + other)},
		"restriction by another employee": {set("RESTRICT_PLAYER", "actor = '"+admin+"'"), "", func(p *audited) []string {
			return []string{"no entry records the restriction " + event, of(p, "RESTRICT_PLAYER") + "user " + other + " had no such restriction"}
		}},
		"restriction for another reason": {"UPDATE restrictions SET reason = 'x' WHERE NOT by_player", "", func(p *audited) []string {
			return []string{"no entry records the restriction " + event, of(p, "RESTRICT_PLAYER") + "user " + other + " had no such restriction"}
		}},
		"lift of another kind": {set("LIFT_RESTRICTION", `before = '{"restrictions": [{"kind": "COOL_OFF"}]}'`), "",
			func(p *audited) []string {
				return []string{of(p, "LIFT_RESTRICTION") + "user " + other + " had no such restriction", endedOf(event, "BONUS_ABUSE")}
			}},
		"lift without an entry":         {remove("LIFT_RESTRICTION"), "", texts(endedOf(event, "BONUS_ABUSE"))},
		"lift that failed":              {set("LIFT_RESTRICTION", "outcome = 'NOT_FOUND', long_term = false"), "", texts(endedOf(event, "BONUS_ABUSE"))},
		"self-exclusion that was ended": {ended("SELF_EXCLUSION", "NULL"), "", texts(endedOf(claimed, "SELF_EXCLUSION"))},
		"self-exclusion that was shortened": {ended("SELF_EXCLUSION", "NULL") + `;
			INSERT INTO restrictions (id, user_id, kind, reason, set_by, by_player, created_at, entries, ended_at, until)
			SELECT '` + open + `', user_id, kind, reason, set_by, by_player, ended_at, 0, NULL, ended_at + interval '1 second'
			FROM restrictions WHERE id = '` + claimed + `';
			UPDATE users SET promotions_refused_until = (SELECT (extract(epoch FROM until) * 1000000)::bigint FROM restrictions WHERE id = '` + open + `')
			WHERE id = '` + other + `'`,
			`INSERT INTO player_restrictions (id, user_id, kind, by_player, until) VALUES
				(gen_random_uuid(), '` + other + `', 'SELF_EXCLUSION', true, now() - interval '30 minutes' + interval '1 second')`,
			texts(endedOf(claimed, "SELF_EXCLUSION"))},
		"removed registration of staff": {remove("REGISTER_STAFF"), "", texts("user " + staff + " with the role STAFF, created at ")},
		"removed creation of an admin":  {remove("CREATE_ADMIN"), "", texts("user " + admin + " with the role ADMIN, created at ")},
		"repeated registration":         {repeat("REGISTER_STAFF"), "", texts("user " + staff + " with the role STAFF, created at ")},
		"registration with another e-mail": {set("REGISTER_STAFF", `after = after || '{"email": "x@example.com"}'`), "",
			func(p *audited) []string {
				return []string{of(p, "REGISTER_STAFF") + "it does not have the role and the e-mail of user " + staff, "user " + staff + " with the role STAFF"}
			}},
		"inserted admin": {`INSERT INTO users (id, email, email_folded, role, created_at, password_hash) VALUES
			('` + event + `', 'x', 'x', 'ADMIN', now(), '')`, "", texts("user " + event + " with the role ADMIN, created at ")},
		"staff became an admin": {"UPDATE users SET role = 'ADMIN' WHERE id = '" + staff + "'", "", func(p *audited) []string {
			return []string{of(p, "REGISTER_STAFF") + "it does not have the role and the e-mail", "user " + staff + " with the role ADMIN"}
		}},
		"removed deactivation": {remove("DEACTIVATE_USER"), "", texts("user " + other + " is active: true, but")},
		"removed activation":   {remove("ACTIVATE_USER"), "", texts("user " + other + " is active: true, but")},
		"deactivated behind the trail": {"UPDATE users SET is_active = false, status_version = 1 WHERE id = '" + player + "'", "",
			texts("user " + player + " is active: false, but")},
		"inserted deactivation and activation": {repeat("DEACTIVATE_USER") + ";" + repeat("ACTIVATE_USER"), "",
			texts("user " + other + " has the status version 5, but 7 entries record changes of it")},
		"deactivation that changes nothing": {set("DEACTIVATE_USER", `before = after`), "", func(p *audited) []string {
			return []string{of(p, "DEACTIVATE_USER") + "the states before and after it do not record the act", "user " + other + " is active: true, but"}
		}},
		"removed confirmation of a second factor": {remove("CONFIRM_MFA"), "", texts("user " + staff + " has an active second factor: true, but")},
		"removed enrolment of a second factor":    {remove("ENROL_MFA"), "", texts("user " + staff + " has a second factor of ")},
		"removed second factor": {"DELETE FROM second_factors", "",
			texts("user " + staff + " has an active second factor: false, but")},
		"second factor reset behind the trail": {"UPDATE second_factors SET active = false", "",
			texts("user " + staff + " has an active second factor: false, but")},
		"inserted second factor": {`INSERT INTO second_factors (id, secret, recovery_codes, active, last_step, created_at) VALUES
			('` + admin + `', '', '', true, 1, now())`, "",
			texts("user "+admin+" has an active second factor: true, but", "user "+admin+" has a second factor of ")},
		"removed entry of a reversal": {remove("REVERSE_TRANSACTION"), "", func(p *audited) []string {
			return []string{"transaction " + p.reversal + " reverses transaction " + p.transactions[1] + ", which no entry records"}
		}},
		"entry of a reversal that does not exist": {set("REVERSE_TRANSACTION", "target = '"+event+"'"), "", func(p *audited) []string {
			return []string{
				of(p, "REVERSE_TRANSACTION") + "transaction " + event + " was not reversed",
				"transaction " + p.reversal + " reverses transaction " + p.transactions[1] + ", which no entry records",
			}
		}},
		"repeated entry of a reversal": {repeat("REVERSE_TRANSACTION"), "", func(p *audited) []string {
			return []string{"entry " + p.entries["REVERSE_TRANSACTION"][:24]} // which of both entries is reported depends on their ids
		}},
		"reversal of another amount": {set("REVERSE_TRANSACTION", `after = after || '{"amount": "1.00"}'`), "", func(p *audited) []string {
			return []string{of(p, "REVERSE_TRANSACTION") + "it does not match the reversal " + p.reversal}
		}},
		"reversal by another admin": {set("REVERSE_TRANSACTION", "actor = '"+staff+"'"), "", func(p *audited) []string {
			return []string{of(p, "REVERSE_TRANSACTION") + "it does not match the reversal " + p.reversal}
		}},
		"removed user": {set("DEACTIVATE_USER", "target = '"+event+"'"), "", func(p *audited) []string {
			return []string{of(p, "DEACTIVATE_USER") + "user " + event + " does not exist", "user " + other + " is active: true, but"}
		}},
		"removed actor":   {set("RESET_MFA", "actor = '"+event+"'"), "", entryOf("RESET_MFA", "the actor "+event+" does not exist")},
		"act of a player": {set("UPDATE_PROMOTION", "actor = '"+player+"', long_term = false"), "", entryOf("UPDATE_PROMOTION", "the actor "+player+" has the role PLAYER")},
		"no actor":        {set("UPDATE_PROMOTION", "actor = NULL"), "", entryOf("UPDATE_PROMOTION", "it has no actor")},
		"another service": {set("UPDATE_PROMOTION", "service = 'users'"), "", entryOf("UPDATE_PROMOTION", "the service is users, want promotions")},
		"another class":   {set("RESET_MFA", "long_term = false"), "", entryOf("RESET_MFA", "long_term is false, want true")},
		"another time":    {set("RESET_MFA", "at = at + interval '6 minutes'"), "", entryOf("RESET_MFA", "the id is not a UUIDv7 of ")},
		"promotion that does not exist": {set("CREATE_PROMOTION", "target = '"+event+"'"), "",
			entryOf("CREATE_PROMOTION", "promotions has no such effect on "+event)},
		"repeated creation of a promotion": {repeat("CREATE_PROMOTION"), "", texts("2 entries record CREATE_PROMOTION of " + open + ", want 1")},
		"assignment to another player": {set("ASSIGN_PROMOTION", `after = '{"players": ["`+player+`", "`+other+`"]}'`), "",
			entryOf("ASSIGN_PROMOTION", "promotions has no such effect on "+open+" for player "+other)},
		"assignment to nobody": {set("ASSIGN_PROMOTION", `after = '{"players": "x"}'`), "", entryOf("ASSIGN_PROMOTION", "it names no players")},
		"assignment by another employee": {"", "UPDATE player_promotions SET assigned_by = '" + admin + "' WHERE assigned_by IS NOT NULL",
			entryOf("ASSIGN_PROMOTION", "promotions has no such effect on "+open+" for player "+player)},
		"revocation that has no effect": {"", "UPDATE player_promotions SET revoked_at = NULL; UPDATE promotion_counters SET revoked = 0; UPDATE promotion_days SET revoked = 0",
			entryOf("REVOKE_ASSIGNMENTS", "promotions has no such effect on "+open+" for player "+player)},
		"anomaly that nobody has seen": {"", "UPDATE anomalies SET seen = false, seen_by = NULL, seen_at = NULL",
			entryOf("MARK_ANOMALY_SEEN", "promotions has no such effect on "+anomaly)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newAudited(t)
			const noTriggers = "SET session_replication_role = replica; "
			p.exec(t, p.users, noTriggers+tt.users)
			if tt.promotions != "" {
				p.exec(t, p.promotions, noTriggers+tt.promotions)
			}
			p.expect(t, tt.want(p)...)
		})
	}
}

// TestEndsOfRestrictions ends restrictions of a player as the platform does: by a later one, after the expiry, and an opt-out by
// the player.
func TestEndsOfRestrictions(t *testing.T) {
	t.Parallel()
	p := newAudited(t)
	p.exec(t, p.users, `
		INSERT INTO restrictions (id, user_id, kind, reason, set_by, by_player, created_at, entries, until, ended_at)
		SELECT gen_random_uuid(), '`+other+`', kind, '', '`+other+`', true, now() - 4 * h + since * h, 0, now() - 4 * h + until * h, now() - 4 * h + ended * h
		FROM (VALUES ('MARKETING_OPT_OUT', 0, NULL, 1), ('SELF_EXCLUSION', 0, 1, 2), ('SELF_EXCLUSION', 2, 40, 3), ('SELF_EXCLUSION', 3, NULL, NULL))
			v (kind, since, until, ended), (SELECT interval '1 hour') i (h);
		UPDATE users SET promotions_refused_until = 9223372036854775807 WHERE id = '`+other+`'`)
	p.exec(t, p.promotions, `
		INSERT INTO player_restrictions (id, user_id, kind, by_player) VALUES (gen_random_uuid(), '`+other+`', 'SELF_EXCLUSION', true);
		UPDATE players SET promotions_refused_until = 9223372036854775807 WHERE id = '`+other+`'`)
	if n, out := p.verify(t); n != 0 {
		t.Errorf("got %d violations, want none:\n%s", n, out)
	}
}

// TestDeletedAuditEntries checks that only effects from the time of complete entries need an entry.
func TestDeletedAuditEntries(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		deleted string
		age     time.Duration
		want    []string
	}{
		"all, before the minimum retention": {"true", 59 * day, []string{
			"user " + admin + " with the role ADMIN", "user " + staff + " with the role STAFF", "user " + staff + " has an active second factor: true, but",
			"user " + staff + " has a second factor of ", "transaction ", "no entry records the restriction ", "the restriction ",
		}},
		"all":                                  {"true", 61 * day, nil},
		"the oldest":                           {"action = 'CREATE_ADMIN'", 61 * day, nil},
		"up to the enrolment":                  {"action IN ('CREATE_ADMIN', 'REGISTER_STAFF', 'LOGIN', 'ENROL_MFA')", 61 * day, nil},
		"up to the deactivation":               {"action IN ('CREATE_ADMIN', 'REGISTER_STAFF', 'LOGIN', 'ENROL_MFA', 'CONFIRM_MFA', 'DEACTIVATE_USER')", 61 * day, nil},
		"a deactivation among older ones":      {"action = 'DEACTIVATE_USER'", 61 * day, nil},
		"an activation after the deactivation": {"action IN ('CREATE_ADMIN', 'ACTIVATE_USER')", 61 * day, []string{"user " + other + " is active: true, but"}},
		"a registration after the oldest":      {"action = 'REGISTER_STAFF'", 61 * day, []string{"user " + staff + " with the role STAFF"}},
		"a reversal after the oldest":          {"action = 'REVERSE_TRANSACTION'", 61 * day, []string{"transaction "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newAudited(t)
			p.exec(t, p.users, "SET session_replication_role = replica; DELETE FROM audit WHERE "+tt.deleted)
			p.now = time.Now().Add(tt.age)
			p.expect(t, tt.want...)
		})
	}
}
