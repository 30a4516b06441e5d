package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgrestest"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// In Turkish, the lower case of I is a dotless i. E-mails must compare alike in every locale of a database.
func TestEmailsAreComparedAlikeInEveryLocale(t *testing.T) {
	for _, locale := range []string{"tr-TR", "lt-LT", "en-US-u-ks-level1"} {
		t.Run(locale, func(t *testing.T) {
			pool := postgrestest.NewWithLocale(t, atlas.Users, locale)
			r := &registry{&books{T: t, pool: pool}, postgres.New(pool, func() {})}
			first := r.create("INFO@x.example", authn.RolePlayer)
			for _, email := range []string{"info@x.example", "INFO@x.example", "Info@X.Example", " iNFO@x.example "} {
				err := r.store.CreateUser(t.Context(), users.User{
					ID: uuid.New(), Email: email, EmailFolded: users.FoldEmail(email), Role: authn.RolePlayer, IsActive: true, CreatedAt: time.Now(),
				})
				if apperr.CodeOf(err) != apperr.UserExists {
					t.Errorf("creating %q: %v, want USER_EXISTS", email, err)
				}
				if u, err := r.store.UserByEmail(t.Context(), users.FoldEmail(email)); err != nil || u.ID != first.ID {
					t.Errorf("UserByEmail(%q) = %v, %v; want %v", email, u.ID, err, first.ID)
				}
			}
			r.create("\u00ednfo@x.example", authn.RolePlayer) // another e-mail, though level 1 ignores the accent
			for _, prefix := range []string{"I", "in", "INFO@X", "info@x.example"} {
				page, err := r.store.Users(t.Context(), users.UserFilter{EmailPrefix: prefix}, keyset.PageRequest[uuid.UUID]{Size: 10})
				if err != nil || len(page.Items) != 1 || page.Items[0].ID != first.ID {
					t.Errorf("users with prefix %q: %v, %v; want the first user only", prefix, page.Items, err)
				}
			}
		})
	}
}

func TestEmailPrefixesAreLiteral(t *testing.T) {
	r := newRegistry(t)
	emails := []string{
		"a%b@x.example", "a_b@x.example", `a\b@x.example`, "ab@x.example", "axb@x.example", "stra\u00dfe@x.example",
		"z\ud7ff@x.example", "z\ue000@x.example", "z\U0010ffff@x.example", "z\U0010ffff\U0010ffff@x.example",
	}
	for _, email := range emails {
		r.create(email, authn.RolePlayer)
	}
	for _, prefix := range []string{
		"a", "A", "a%", "a_", `a\`, "ab", "%", "_", "STRASSE", "stra\u00df", "Strass", "z", "z\ud7ff", "z\ue000", "z\U0010ffff", "b", "'", "\u212a",
	} {
		var want []string
		for _, email := range emails {
			if strings.HasPrefix(users.FoldEmail(email), users.FoldEmailPrefix(prefix)) {
				want = append([]string{email}, want...) // newest first
			}
		}
		page, err := r.store.Users(t.Context(), users.UserFilter{EmailPrefix: prefix}, keyset.PageRequest[uuid.UUID]{Size: 100})
		var got []string
		for _, u := range page.Items {
			got = append(got, u.Email)
		}
		if err != nil || fmt.Sprintf("%+q", got) != fmt.Sprintf("%+q", want) || page.Total != len(want) {
			t.Errorf("prefix %+q: %+q of %d, %v; want %+q", prefix, got, page.Total, err, want)
		}
	}
}

// The prefix search must not read the whole table, in any locale.
func TestEmailPrefixUsesTheIndex(t *testing.T) {
	pool := postgrestest.NewWithLocale(t, atlas.Users, "tr-TR")
	b := &books{T: t, pool: pool}
	b.exec(`INSERT INTO users (id, email, email_folded, role, password_hash, created_at)
		SELECT gen_random_uuid(), e, e, 'PLAYER', '', now() FROM generate_series(1, 20000) n, concat('player', n, '@x.example') e`)
	b.exec("ANALYZE users")
	rows, err := pool.Query(t.Context(), `EXPLAIN SELECT * FROM users WHERE email_folded >= $1 AND email_folded < $2`, "player777", "player778")
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
	if !strings.Contains(plan.String(), "users_email_folded_key") {
		t.Errorf("the plan does not use the index:\n%s", plan.String())
	}
}
