package postgres_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// registry is a store with its database.
type registry struct {
	*books
	store *postgres.Store
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	b := newBooks(t)
	return &registry{b, postgres.New(b.pool, func() { b.woken.Add(1) })}
}

// create stores a user of a role.
func (r *registry) create(email string, role authn.Role) users.User {
	r.Helper()
	u := users.User{
		ID: newID(r), Email: email, EmailFolded: users.FoldEmail(email), Role: role, IsActive: true, PasswordHash: "hash of " + email,
		CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
	if err := r.store.CreateUser(r.Context(), u); err != nil {
		r.Fatal(err)
	}
	return u
}

// announced returns what the outbox says of players, "PLAYER_REGISTERED <id> <number of the switch>", in order.
func (r *registry) announced() []string {
	r.Helper()
	rows, err := r.pool.Query(r.Context(), "SELECT topic, key, type, content_type, payload FROM outbox ORDER BY id")
	if err != nil {
		r.Fatal(err)
	}
	defer rows.Close()
	var said []string
	for rows.Next() {
		var e event.Event
		if err := rows.Scan(&e.Topic, &e.Key, &e.Type, &e.ContentType, &e.Data); err != nil {
			r.Fatal(err)
		}
		m, err := usersv1event.DecodePlayerEvent(e)
		if err != nil || m.GetUserId() != e.Key || e.Topic != "players" || !strings.HasSuffix(e.Type, "."+m.GetEventType().String()) {
			r.Fatalf("the event is %+v, its payload %v, %v", e, m, err)
		}
		said = append(said, fmt.Sprint(m.GetEventType(), " ", m.GetUserId(), " ", m.GetStatusVersion()))
	}
	return said
}

func (r *registry) wantAnnounced(want ...string) {
	r.Helper()
	if got := r.announced(); fmt.Sprint(got) != fmt.Sprint(want) {
		r.Errorf("announced %q, want %q", got, want)
	}
}

func about(what usersv1.PlayerEventType, u users.User, number int) string {
	return fmt.Sprint(what, " ", u.ID, " ", number)
}

func TestCreateUser(t *testing.T) {
	r := newRegistry(t)
	player := r.create("Player@Example.com", authn.RolePlayer)
	staff := r.create("staff@example.com", authn.RoleStaff)
	for _, want := range []users.User{player, staff} {
		byEmail, err := r.store.UserByEmail(t.Context(), users.FoldEmail(strings.ToUpper(want.Email)))
		if err != nil || byEmail != want {
			t.Errorf("by e-mail: %+v, %v; want %+v", byEmail, err, want)
		}
		byID, err := r.store.User(t.Context(), want.ID)
		if err != nil || byID != want {
			t.Errorf("by id: %+v, %v; want %+v", byID, err, want)
		}
	}
	r.wantAnnounced(about(usersv1.PlayerEventType_PLAYER_REGISTERED, player, 0))
}

func TestEmailsAreUnique(t *testing.T) {
	r := newRegistry(t)
	var taken, created atomic.Int32
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			email := []string{"a@example.com", "A@EXAMPLE.COM"}[i%2]
			err := r.store.CreateUser(t.Context(), users.User{
				ID: uuid.New(), Email: email, EmailFolded: users.FoldEmail(email), Role: authn.RolePlayer, IsActive: true, CreatedAt: time.Now(),
			})
			switch apperr.CodeOf(err) {
			case "":
				created.Add(1)
			case apperr.UserExists:
				taken.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if created.Load() != 1 || taken.Load() != 9 {
		t.Errorf("%d were created and %d refused, want 1 and 9", created.Load(), taken.Load())
	}
	if n := len(r.announced()); n != 1 {
		t.Errorf("%d players were announced, want one", n)
	}
}

func TestUnknownUsers(t *testing.T) {
	r := newRegistry(t)
	_, byEmail := r.store.UserByEmail(t.Context(), "nobody@example.com")
	_, byID := r.store.User(t.Context(), uuid.New())
	_, switched := r.store.SetActive(t.Context(), uuid.New(), false)
	_, ledger := r.store.Transactions(t.Context(), uuid.New(), users.TransactionFilter{}, keyset.PageRequest[int64]{Size: 1})
	for what, err := range map[string]error{"by e-mail": byEmail, "by id": byID, "switch": switched, "ledger": ledger} {
		if apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("%s: %v, want NOT_FOUND", what, err)
		}
	}
}

func TestSetActive(t *testing.T) {
	r := newRegistry(t)
	player, staff := r.create("p@example.com", authn.RolePlayer), r.create("s@example.com", authn.RoleStaff)
	for _, active := range []bool{false, false, true, true} {
		for _, u := range []users.User{player, staff} {
			got, err := r.store.SetActive(t.Context(), u.ID, active)
			if want := u; err != nil || got.IsActive != active || got.Email != want.Email {
				t.Fatalf("got %+v, %v; want active %t", got, err, active)
			}
		}
	}
	r.wantAnnounced(about(usersv1.PlayerEventType_PLAYER_REGISTERED, player, 0),
		about(usersv1.PlayerEventType_PLAYER_DEACTIVATED, player, 1), about(usersv1.PlayerEventType_PLAYER_ACTIVATED, player, 2))
}

// Who was switched off has sessions to end until somebody who has seen the last switch has ended them.
func TestSessionsToEnd(t *testing.T) {
	r := newRegistry(t)
	player, staff := r.create("p@example.com", authn.RolePlayer), r.create("s@example.com", authn.RoleStaff)
	wants := func(want ...users.User) []users.User {
		t.Helper()
		left, err := r.store.SessionsToEnd(t.Context())
		slices.SortFunc(left, func(a, b users.User) int { return bytes.Compare(a.ID[:], b.ID[:]) })
		if err != nil || !slices.EqualFunc(left, want, func(a, b users.User) bool { return a.ID == b.ID }) {
			t.Errorf("sessions are to be ended of %+v, %v; want of %+v", left, err, want)
		}
		return left
	}
	set := func(u users.User, active bool) users.User {
		t.Helper()
		u, err := r.store.SetActive(t.Context(), u.ID, active)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	ended := func(u users.User) {
		t.Helper()
		if err := r.store.SessionsEnded(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	wants()
	set(player, true)
	wants()
	early := set(player, false)
	set(staff, false)
	left := wants(player, staff)
	ended(left[1])
	set(player, true)
	wants(player) // the sessions of before are still there
	set(player, false)
	ended(early)
	ended(player)
	for _, u := range wants(player) {
		ended(u)
	}
	wants()
}

func TestSetPasswordHash(t *testing.T) {
	r := newRegistry(t)
	u := r.create("p@example.com", authn.RolePlayer)
	for _, step := range []struct{ old, hash, want string }{
		{"another", "x", u.PasswordHash}, {u.PasswordHash, "second", "second"}, {"", "third", "third"},
	} {
		if err := r.store.SetPasswordHash(t.Context(), u.ID, step.old, step.hash); err != nil {
			t.Fatal(err)
		}
		if got, err := r.store.User(t.Context(), u.ID); err != nil || got.PasswordHash != step.want {
			t.Errorf("from %q to %q: %q, %v; want %q", step.old, step.hash, got.PasswordHash, err, step.want)
		}
	}
}

func TestUsers(t *testing.T) {
	r := newRegistry(t)
	for _, u := range []struct {
		email string
		role  authn.Role
	}{
		{"anna@example.com", authn.RolePlayer}, {"ANTON@example.com", authn.RolePlayer}, {"an_x@example.com", authn.RoleStaff},
		{"bob@example.com", authn.RolePlayer}, {`a\n%@example.com`, authn.RoleAdmin},
	} {
		r.create(u.email, u.role)
	}
	bob, err := r.store.UserByEmail(t.Context(), "bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.SetActive(t.Context(), bob.ID, false); err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	for name, tt := range map[string]struct {
		filter users.UserFilter
		want   string
	}{
		"all, newest first":     {users.UserFilter{}, `a\n% bob an_x ANTON anna`},
		"by beginning":          {users.UserFilter{EmailPrefix: "an"}, "an_x ANTON anna"},
		"without case":          {users.UserFilter{EmailPrefix: "AnNa"}, "anna"},
		"underscore is plain":   {users.UserFilter{EmailPrefix: "an_"}, "an_x"},
		"percent is plain":      {users.UserFilter{EmailPrefix: "%"}, ""},
		"backslash is plain":    {users.UserFilter{EmailPrefix: `a\n%`}, `a\n%`},
		"not in the middle":     {users.UserFilter{EmailPrefix: "nna"}, ""},
		"by role":               {users.UserFilter{Role: authn.RolePlayer}, "bob ANTON anna"},
		"active":                {users.UserFilter{IsActive: &yes}, `a\n% an_x ANTON anna`},
		"inactive":              {users.UserFilter{IsActive: &no}, "bob"},
		"all filters, no match": {users.UserFilter{EmailPrefix: "an", Role: authn.RolePlayer, IsActive: &no}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, 2, 100} {
				var got []string
				page := keyset.PageRequest[uuid.UUID]{Size: size}
				for more := true; more; {
					listed, err := r.store.Users(t.Context(), tt.filter, page)
					if err != nil {
						t.Fatal(err)
					}
					if want := len(strings.Fields(tt.want)); listed.Total != want || len(listed.Items) > size {
						t.Fatalf("total %d in a page of %d, want %d", listed.Total, len(listed.Items), want)
					}
					for _, u := range listed.Items {
						got = append(got, strings.TrimSuffix(u.Email, "@example.com"))
						page.Before = u.ID
					}
					more = listed.More
				}
				if strings.Join(got, " ") != tt.want {
					t.Errorf("in pages of %d: %q, want %q", size, got, tt.want)
				}
			}
		})
	}
}

func TestTransactions(t *testing.T) {
	r := newRegistry(t)
	player := r.create("p@example.com", authn.RolePlayer)
	other := r.create("q@example.com", authn.RolePlayer)
	l := r.ledger(postgres.LedgerOptions{})
	for i, kind := range []users.TransactionType{"CREDIT", "CREDIT", "DEBIT", "CREDIT", "DEBIT"} {
		r.add(l, users.Entry{
			UserID: player.ID, Type: kind, Amount: 100, Description: strconv.Itoa(i + 1), IdempotencyKey: fmt.Sprint("key ", i),
		})
	}
	r.add(l, users.Entry{UserID: other.ID, Type: "CREDIT", Amount: 100, Description: "other", IdempotencyKey: "other's"})
	for name, tt := range map[string]struct {
		filter users.TransactionFilter
		want   string
	}{
		"all":     {users.TransactionFilter{}, "5 4 3 2 1"},
		"credits": {users.TransactionFilter{Type: "CREDIT"}, "4 2 1"},
		"debits":  {users.TransactionFilter{Type: "DEBIT"}, "5 3"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			page := keyset.PageRequest[int64]{Size: 2}
			for more := true; more; {
				listed, err := r.store.Transactions(t.Context(), player.ID, tt.filter, page)
				if err != nil {
					t.Fatal(err)
				}
				if want := len(strings.Fields(tt.want)); listed.Total != want {
					t.Fatalf("total %d, want %d", listed.Total, want)
				}
				for _, tx := range listed.Items {
					got = append(got, tx.Description)
					page.Before = tx.Seq
				}
				more = listed.More
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestStoreWithoutDatabase(t *testing.T) {
	r := newRegistry(t)
	r.pool.Close()
	_, err := r.store.User(t.Context(), uuid.New())
	if apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("got %v, want DEPENDENCY_UNAVAILABLE", err)
	}
}
