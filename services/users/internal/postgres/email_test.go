package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/services/users"
)

// TestEmailComparisonIgnoresTheLocale uses databases with locales that would change the result. In Turkish, for example, the
// lower case of I is a dotless i, and "en-US-u-ks-level1" ignores case and accents.
func TestEmailComparisonIgnoresTheLocale(t *testing.T) {
	for _, locale := range []string{"tr-TR", "lt-LT", "en-US-u-ks-level1"} {
		t.Run(locale, func(t *testing.T) {
			pool := postgrestest.NewWithLocale(t, atlas.Users, locale)
			f := newFixtureOn(t, pool, pool)
			first := f.create("INFO@x.example", authn.RolePlayer)
			for _, email := range []string{"info@x.example", "INFO@x.example", "Info@X.Example", " iNFO@x.example "} {
				err := f.store.CreateUser(t.Context(), newUser(t, email, authn.RolePlayer))
				if apperr.CodeOf(err) != apperr.UserExists {
					t.Errorf("create %q: got %v, want USER_EXISTS", email, err)
				}
				if u, err := f.store.UserByEmail(t.Context(), users.FoldEmail(email)); err != nil || u.ID != first.ID {
					t.Errorf("UserByEmail(%q) = %v, %v; want %v", email, u.ID, err, first.ID)
				}
			}
			f.create("\u00ednfo@x.example", authn.RolePlayer) // a different e-mail address, even if the locale ignores accents
			for _, prefix := range []string{"I", "in", "INFO@X", "info@x.example"} {
				page, err := f.store.Users(t.Context(), users.UserFilter{EmailPrefix: prefix}, keyset.PageRequest[uuid.UUID]{Size: 10})
				if err != nil || len(page.Items) != 1 || page.Items[0].ID != first.ID {
					t.Errorf("prefix %q: got users %v, %v; want only the first user", prefix, page.Items, err)
				}
			}
		})
	}
}

func TestEmailPrefixesAreLiteral(t *testing.T) {
	f := newFixture(t)
	emails := []string{
		"a%b@x.example", "a_b@x.example", `a\b@x.example`, "ab@x.example", "axb@x.example", "stra\u00dfe@x.example",
		"z\ud7ff@x.example", "z\ue000@x.example", "z\U0010ffff@x.example", "z\U0010ffff\U0010ffff@x.example",
	}
	for _, email := range emails {
		f.create(email, authn.RolePlayer)
	}
	for _, prefix := range []string{
		"a", "A", "a%", "a_", `a\`, "ab", "%", "_", "STRASSE", "stra\u00df", "Strass",
		"z", "z\ud7ff", "z\ue000", "z\U0010ffff", "b", "'", "\u212a",
	} {
		var want []string
		for _, email := range emails {
			if strings.HasPrefix(users.FoldEmail(email), users.FoldEmailPrefix(prefix)) {
				want = append([]string{email}, want...) // newest first
			}
		}
		page, err := f.store.Users(t.Context(), users.UserFilter{EmailPrefix: prefix}, keyset.PageRequest[uuid.UUID]{Size: 100})
		var got []string
		for _, u := range page.Items {
			got = append(got, u.Email)
		}
		if err != nil || fmt.Sprintf("%+q", got) != fmt.Sprintf("%+q", want) || page.Total != len(want) {
			t.Errorf("prefix %+q: got %+q, total %d, %v; want %+q", prefix, got, page.Total, err, want)
		}
	}
}

// TestEmailPrefixUsesTheIndex checks that a search by prefix does not read the whole table. The locale of the database does
// not sort by bytes.
func TestEmailPrefixUsesTheIndex(t *testing.T) {
	pool := postgrestest.NewWithLocale(t, atlas.Users, "tr-TR")
	f := newFixtureOn(t, pool, pool)
	f.exec(`INSERT INTO users (id, email, email_folded, role, password_hash, created_at)
		SELECT gen_random_uuid(), e, e, 'PLAYER', '', now() FROM generate_series(1, 20000) n, concat('player', n, '@x.example') e`)
	f.exec("ANALYZE users")
	rows, err := f.pool.Query(t.Context(), `EXPLAIN SELECT * FROM users WHERE email_folded >= $1 AND email_folded < $2`,
		"player777", "player778")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(line + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plan.String(), "users_email_folded_key") {
		t.Errorf("the plan does not use the index:\n%s", plan.String())
	}
}
