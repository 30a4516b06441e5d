package main

import (
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

// TestResync corrects the players that forged events have changed, and their restrictions, with the roles of the services.
func TestResync(t *testing.T) {
	t.Parallel()
	usersOwner, usersRole := postgrestest.URLsWithRole(t, atlas.Users, dbrole.Of("users"))
	promotionsOwner, promotionsRole := postgrestest.URLsWithRole(t, atlas.Promotions, dbrole.Of("promotions"))
	for url, sql := range map[string]string{
		usersOwner: `INSERT INTO users (id, email, email_folded, role, is_active, status_version, password_hash, created_at)
			SELECT id::uuid, id, id, 'PLAYER', active, version, '', now() FROM (VALUES
				('11111111-1111-7111-8111-111111111111', true, 0), ('22222222-2222-7222-8222-222222222222', true, 2),
				('33333333-3333-7333-8333-333333333333', false, 3), ('44444444-4444-7444-8444-444444444444', true, 4),
				('55555555-5555-7555-8555-555555555555', false, 5), ('66666666-6666-7666-8666-666666666666', true, 6),
				('77777777-7777-7777-8777-777777777777', true, 7), ('88888888-8888-7888-8888-888888888888', true, 8)) u (id, active, version);
			INSERT INTO restrictions (id, user_id, kind, until, reason, set_by, by_player, created_at, entries)
			SELECT gen_random_uuid(), id::uuid, kind, until::timestamptz, '', id::uuid, false, now(), 0 FROM (VALUES
				('66666666-6666-7666-8666-666666666666', 'BONUS_ABUSE', NULL), ('77777777-7777-7777-8777-777777777777', 'COOL_OFF', '2001-01-01'),
				('88888888-8888-7888-8888-888888888888', 'COOL_OFF', '2099-01-01')) r (id, kind, until)`,
		promotionsOwner: `INSERT INTO players (id, is_active, status_version, created_at, updated_at)
			SELECT id::uuid, active, version, now(), now() FROM (VALUES
				('11111111-1111-7111-8111-111111111111', false, 1000000), ('22222222-2222-7222-8222-222222222222', false, 2),
				('33333333-3333-7333-8333-333333333333', false, 3), ('44444444-4444-7444-8444-444444444444', false, 3),
				('55555555-5555-7555-8555-555555555555', true, 999999), ('66666666-6666-7666-8666-666666666666', true, 6),
				('77777777-7777-7777-8777-777777777777', true, 7), ('88888888-8888-7888-8888-888888888888', true, 8)) u (id, active, version);
			INSERT INTO player_restrictions (id, user_id, kind, by_player, until) VALUES
				(gen_random_uuid(), '77777777-7777-7777-8777-777777777777', 'COOL_OFF', true, '2001-01-01'),
				(gen_random_uuid(), '88888888-8888-7888-8888-888888888888', 'COOL_OFF', false, '2099-01-01'),
				(gen_random_uuid(), '88888888-8888-7888-8888-888888888888', 'HARM_INDICATOR', false, NULL)`,
	} {
		pool, err := postgres.Open(t.Context(), url, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	settings := settingsFile(t, map[string]string{
		"LOYALTY_USERS_DATABASE_URL": usersRole, "LOYALTY_PROMOTIONS_DATABASE_URL": promotionsRole,
	})
	for _, want := range []string{"8 players compared, 5 corrected", "8 players compared, 0 corrected"} {
		if code, stdout, stderr := run(t, "events", "resync", "--settings", settings); code != 0 || !strings.Contains(stdout, want) {
			t.Fatalf("exit %d, %s%s, want %q", code, stdout, stderr, want)
		}
	}
	pool, err := postgres.Open(t.Context(), promotionsOwner, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var got string
	err = pool.QueryRow(t.Context(), `SELECT string_agg(left(id::text, 1) || ' ' || is_active || ' ' || status_version, ', ' ORDER BY id)
		FROM players`).Scan(&got)
	if want := "1 true 0, 2 true 2, 3 false 3, 4 false 3, 5 false 5, 6 true 6, 7 true 7, 8 true 8"; err != nil || got != want {
		t.Errorf("players are %s, %v, want %s: the fourth player waits for an event", got, err, want)
	}
	err = pool.QueryRow(t.Context(), `SELECT string_agg(concat_ws(' ', left(p.id::text, 1), restrictions_version, kind, promotions_refused_until,
		promotions_muted_until), ', ' ORDER BY p.id) FROM players p JOIN player_restrictions r ON r.user_id = p.id`).Scan(&got)
	const ends = "4070908800000000 4070908800000000"
	if want := "6 6 BONUS_ABUSE 9223372036854775807 9223372036854775807, 7 0 COOL_OFF 0 0, 8 8 COOL_OFF " + ends; err != nil || got != want {
		t.Errorf("restrictions are %s, %v, want %s: the one of the seventh player has expired", got, err, want)
	}
	outbox, err := postgres.Open(t.Context(), usersOwner, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer outbox.Close()
	err = outbox.QueryRow(t.Context(), `SELECT string_agg(left(key, 1) || ' ' || type, ', ' ORDER BY key) FROM outbox`).Scan(&got)
	if want := "2 loyalty.users.v1.PLAYER_ACTIVATED, 5 loyalty.users.v1.PLAYER_DEACTIVATED, " +
		"6 loyalty.users.v1.PLAYER_ACTIVATED, 8 loyalty.users.v1.PLAYER_ACTIVATED"; err != nil || got != want {
		t.Errorf("events are %s, %v, want %s", got, err, want)
	}
}
