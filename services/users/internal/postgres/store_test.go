package postgres_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

func TestCreateUser(t *testing.T) {
	f := newFixture(t)
	player := f.create("Player@Example.com", authn.RolePlayer)
	staff := f.create("staff@example.com", authn.RoleStaff)
	for _, want := range []users.User{player, staff} {
		byEmail, err := f.store.UserByEmail(t.Context(), users.FoldEmail(strings.ToUpper(want.Email)))
		if err != nil || byEmail != want {
			t.Errorf("UserByEmail: got %+v, %v; want %+v", byEmail, err, want)
		}
		byID, err := f.store.User(t.Context(), want.ID)
		if err != nil || byID != want {
			t.Errorf("User: got %+v, %v; want %+v", byID, err, want)
		}
	}
	f.wantPlayerEvents(playerEvent(usersv1.PlayerEventType_PLAYER_REGISTERED, player, 0))
}

func TestEmailsAreUnique(t *testing.T) {
	f := newFixture(t)
	var taken, created atomic.Int32
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			email := []string{"a@example.com", "A@EXAMPLE.COM"}[i%2]
			err := f.store.CreateUser(t.Context(), newUser(t, email, authn.RolePlayer))
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
		t.Errorf("%d users were created and %d refused, want 1 and 9", created.Load(), taken.Load())
	}
	if n := len(f.playerEvents()); n != 1 {
		t.Errorf("got %d player events, want 1", n)
	}
}

func TestUnknownUsers(t *testing.T) {
	f := newFixture(t)
	_, byEmail := f.store.UserByEmail(t.Context(), "nobody@example.com")
	_, byID := f.store.User(t.Context(), uuid.New())
	_, setActive := f.store.SetActive(t.Context(), uuid.Nil, uuid.New(), false)
	_, transactions := f.store.Transactions(t.Context(), uuid.New(), users.TransactionFilter{},
		keyset.PageRequest[int64]{Size: 1})
	for method, err := range map[string]error{
		"UserByEmail": byEmail, "User": byID, "SetActive": setActive, "Transactions": transactions,
	} {
		if apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("%s: got %v, want NOT_FOUND", method, err)
		}
	}
}

func TestSetActive(t *testing.T) {
	f := newFixture(t)
	player, staff := f.create("p@example.com", authn.RolePlayer), f.create("s@example.com", authn.RoleStaff)
	for _, active := range []bool{false, false, true, true} {
		for _, u := range []users.User{player, staff} {
			got, err := f.store.SetActive(t.Context(), uuid.Nil, u.ID, active)
			if err != nil || got.IsActive != active || got.Email != u.Email {
				t.Fatalf("got %+v, %v; want active %t", got, err, active)
			}
		}
	}
	f.wantPlayerEvents(
		playerEvent(usersv1.PlayerEventType_PLAYER_REGISTERED, player, 0),
		playerEvent(usersv1.PlayerEventType_PLAYER_DEACTIVATED, player, 1),
		playerEvent(usersv1.PlayerEventType_PLAYER_ACTIVATED, player, 2),
	)
}

func TestAdminsCannotDeactivateEachOther(t *testing.T) {
	f := newFixture(t)
	for round := range 20 {
		admins := [2]users.User{
			f.create(fmt.Sprintf("a%d@example.com", round), authn.RoleAdmin), f.create(fmt.Sprintf("b%d@example.com", round), authn.RoleAdmin),
		}
		var errs [2]error
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range admins {
			wg.Go(func() {
				<-start
				_, errs[i] = f.store.SetActive(t.Context(), admins[i].ID, admins[1-i].ID, false)
			})
		}
		close(start)
		wg.Wait()
		winner := slices.Index(errs[:], nil)
		if winner < 0 || apperr.CodeOf(errs[1-winner]) != apperr.TokenRevoked {
			t.Fatalf("got %v, want one success and TOKEN_REVOKED", errs)
		}
		for i, u := range admins {
			if stored, err := f.store.User(t.Context(), u.ID); err != nil || stored.IsActive != (i == winner) {
				t.Errorf("got %+v, %v, want it active: %t", stored, err, i == winner)
			}
		}
	}
}

func TestDeactivatedAdminsChangeNoStatus(t *testing.T) {
	f := newFixture(t)
	ctx, _ := f.acting(users.AuditActionDeactivateUser)
	admin, player := f.create("admin@example.com", authn.RoleAdmin), f.create("p@example.com", authn.RolePlayer)
	if _, err := f.store.SetActive(t.Context(), uuid.Nil, admin.ID, false); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"deactivate": second(f.store.SetActive(ctx, admin.ID, player.ID, false)),
		"activate":   second(f.store.SetActive(ctx, admin.ID, admin.ID, true)),
		"not found":  second(f.store.SetActive(ctx, admin.ID, uuid.New(), true)),
		"no caller":  second(f.store.SetActive(ctx, uuid.New(), player.ID, false)),
	} {
		if apperr.CodeOf(err) != apperr.TokenRevoked {
			t.Errorf("%s: got %v, want TOKEN_REVOKED", name, err)
		}
	}
	if n := len(f.trail()); n != 0 {
		t.Errorf("%d changes were recorded, want none", n)
	}
	f.wantPlayerEvents(playerEvent(usersv1.PlayerEventType_PLAYER_REGISTERED, player, 0))
}

func second[T any](_ T, err error) error { return err }

// TestStateAndEventCommitTogether makes inserts into the outbox fail. The changes of state must be rolled back.
func TestStateAndEventCommitTogether(t *testing.T) {
	f := newFixture(t)
	player := f.create("p@example.com", authn.RolePlayer)
	f.exec(`ALTER TABLE outbox ADD CONSTRAINT no_events CHECK (false) NOT VALID`)
	if err := f.store.CreateUser(t.Context(), newUser(t, "q@example.com", authn.RolePlayer)); err == nil {
		t.Error("CreateUser without its event: got no error")
	}
	if u, err := f.store.UserByEmail(t.Context(), "q@example.com"); apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("got user %+v, %v; want NOT_FOUND", u, err)
	}
	if _, err := f.store.SetActive(t.Context(), uuid.Nil, player.ID, false); err == nil {
		t.Error("SetActive without its event: got no error")
	}
	if u, err := f.store.User(t.Context(), player.ID); err != nil || u != player {
		t.Errorf("got user %+v, %v; want %+v", u, err, player)
	}
	if _, err := f.setRestriction(t.Context(), player.ID, restriction(player.ID)); err == nil {
		t.Error("SetRestriction without its event: got no error")
	}
	if u, err := f.store.User(t.Context(), player.ID); err != nil || u != player || f.count("SELECT count(*) FROM restrictions") != 0 {
		t.Errorf("got user %+v, %v; want %+v without a restriction", u, err, player)
	}
	if tx, err := f.replica(postgres.LedgerOptions{}).AddTransaction(t.Context(), credit(player.ID, 100)); err == nil {
		t.Errorf("AddTransaction without its event: got %+v, want an error", tx)
	}
	if n, balance := f.countTransactions(), f.balance(player.ID); n != 0 || balance != 0 {
		t.Errorf("got %d transactions and balance %v, want none", n, balance)
	}
}

// TestTotalOfManyUsers checks that the list does not count more rows than needed: everybody can register.
func TestTotalOfManyUsers(t *testing.T) {
	f := newFixture(t)
	for _, tt := range []struct {
		rows     int
		estimate bool
	}{{keyset.MaxExactTotal, false}, {keyset.MaxExactTotal + 50, true}} {
		_, err := f.pool.Exec(t.Context(), `INSERT INTO users (id, email, email_folded, role, created_at, password_hash)
			SELECT gen_random_uuid(), 'p' || n, 'p' || n, 'PLAYER', now(), ''
			FROM generate_series(1 + (SELECT count(*) FROM users), $1) n`, tt.rows)
		if err != nil {
			t.Fatal(err)
		}
		for _, filter := range []users.UserFilter{{}, {EmailPrefix: "P", Role: authn.RolePlayer}} {
			page, err := f.store.Users(t.Context(), filter, keyset.PageRequest[uuid.UUID]{Size: 1})
			if err != nil || page.TotalIsEstimate != tt.estimate || page.Total != min(tt.rows, keyset.MaxExactTotal+1) {
				t.Errorf("%d rows: got total %d, estimate %t, %v", tt.rows, page.Total, page.TotalIsEstimate, err)
			}
		}
	}
}

// TestTotalOfManyTransactions checks that a filtered list counts no more rows than needed. Without a filter, the total is the
// number in the user's row.
func TestTotalOfManyTransactions(t *testing.T) {
	f := newFixture(t)
	for _, tt := range []struct {
		rows, total int
		estimate    bool
	}{{keyset.MaxExactTotal, keyset.MaxExactTotal, false}, {keyset.MaxExactTotal + 50, keyset.MaxExactTotal + 1, true}} {
		player := f.insertPlayer()
		f.withoutTriggers(`UPDATE users SET entries = $2 WHERE id = $1`, player, tt.rows)
		f.withoutTriggers(`INSERT INTO transactions (id, type, amount, balance_after, description, created_at, seq,
			idempotency_key, content_hash, user_id) SELECT id, 'CREDIT', 1, n, '', now(), n, id::text, '', $1
			FROM (SELECT n, gen_random_uuid() AS id FROM generate_series(1, $2::bigint) n) g`, player, tt.rows)
		for typ, want := range map[users.TransactionType]keyset.Page[users.Transaction]{
			"": {Total: tt.rows}, users.TransactionTypeCredit: {Total: tt.total, TotalIsEstimate: tt.estimate},
			users.TransactionTypeDebit: {},
		} {
			page, err := f.store.Transactions(t.Context(), player, users.TransactionFilter{Type: typ}, keyset.PageRequest[int64]{Size: 1})
			if err != nil || page.TotalIsEstimate != want.TotalIsEstimate || page.Total != want.Total {
				t.Errorf("%d rows, type %q: got total %d, estimate %t, %v", tt.rows, typ, page.Total, page.TotalIsEstimate, err)
			}
		}
	}
}

func TestListsTakeOneRoundTrip(t *testing.T) {
	f := newFixture(t)
	player := f.insertPlayer()
	trips := postgrestest.CountRoundTrips(t, f.role)
	store := postgres.New(trips.Pool, f.wake)
	list := func() {
		filter := users.TransactionFilter{Type: users.TransactionTypeCredit}
		if _, err := store.Transactions(t.Context(), player, filter, keyset.PageRequest[int64]{Size: 10}); err != nil {
			t.Error(err)
		}
	}
	list() // connects
	if n := trips.During(list); n != 1 {
		t.Errorf("the list of transactions took %d round trips, want 1", n)
	}
	all := func() {
		page, err := store.Users(t.Context(), users.UserFilter{}, keyset.PageRequest[uuid.UUID]{Size: 10})
		if err != nil || len(page.Items) != 1 {
			t.Errorf("got %+v, %v, want one user", page, err)
		}
	}
	all()
	if n := trips.During(all); n != 1 {
		t.Errorf("the list of users took %d round trips, want 1", n)
	}
}

func TestUsers(t *testing.T) {
	f := newFixture(t)
	for _, u := range []struct {
		email string
		role  authn.Role
	}{
		{"anna@example.com", authn.RolePlayer}, {"ANTON@example.com", authn.RolePlayer}, {"an_x@example.com", authn.RoleStaff},
		{"bob@example.com", authn.RolePlayer}, {`a\n%@example.com`, authn.RoleAdmin},
	} {
		f.create(u.email, u.role)
	}
	bob, err := f.store.UserByEmail(t.Context(), "bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.SetActive(t.Context(), uuid.Nil, bob.ID, false); err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	for name, tt := range map[string]struct {
		filter users.UserFilter
		want   string
	}{
		"all, newest first":           {users.UserFilter{}, `a\n% bob an_x ANTON anna`},
		"prefix":                      {users.UserFilter{EmailPrefix: "an"}, "an_x ANTON anna"},
		"prefix in other case":        {users.UserFilter{EmailPrefix: "AnNa"}, "anna"},
		"underscore in prefix":        {users.UserFilter{EmailPrefix: "an_"}, "an_x"},
		"percent in prefix":           {users.UserFilter{EmailPrefix: "%"}, ""},
		"backslash in prefix":         {users.UserFilter{EmailPrefix: `a\n%`}, `a\n%`},
		"text that is not a prefix":   {users.UserFilter{EmailPrefix: "nna"}, ""},
		"role":                        {users.UserFilter{Role: authn.RolePlayer}, "bob ANTON anna"},
		"active":                      {users.UserFilter{IsActive: &yes}, `a\n% an_x ANTON anna`},
		"inactive":                    {users.UserFilter{IsActive: &no}, "bob"},
		"all filters without a match": {users.UserFilter{EmailPrefix: "an", Role: authn.RolePlayer, IsActive: &no}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, 2, 100} {
				var got []string
				page := keyset.PageRequest[uuid.UUID]{Size: size}
				for more := true; more; {
					listed, err := f.store.Users(t.Context(), tt.filter, page)
					if err != nil {
						t.Fatal(err)
					}
					if want := len(strings.Fields(tt.want)); listed.Total != want || len(listed.Items) > size {
						t.Fatalf("got total %d and %d items, want total %d and at most %d items", listed.Total, len(listed.Items), want, size)
					}
					for _, u := range listed.Items {
						got = append(got, strings.TrimSuffix(u.Email, "@example.com"))
						page.Before = u.ID
					}
					more = listed.More
				}
				if strings.Join(got, " ") != tt.want {
					t.Errorf("page size %d: got %q, want %q", size, got, tt.want)
				}
			}
		})
	}
}

func TestTransactions(t *testing.T) {
	f := newFixture(t)
	player := f.create("p@example.com", authn.RolePlayer)
	other := f.create("q@example.com", authn.RolePlayer)
	r := f.replica(postgres.LedgerOptions{})
	for i, kind := range []users.TransactionType{"CREDIT", "CREDIT", "DEBIT", "CREDIT", "DEBIT"} {
		f.mustAdd(r, users.Entry{
			UserID: player.ID, Type: kind, Amount: 100, Description: strconv.Itoa(i + 1), IdempotencyKey: fmt.Sprint("key ", i),
		})
	}
	f.mustAdd(r, users.Entry{UserID: other.ID, Type: "CREDIT", Amount: 100, Description: "other", IdempotencyKey: "other key"})
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
				listed, err := f.store.Transactions(t.Context(), player.ID, tt.filter, page)
				if err != nil {
					t.Fatal(err)
				}
				if want := len(strings.Fields(tt.want)); listed.Total != want {
					t.Fatalf("got total %d, want %d", listed.Total, want)
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
	f := newFixture(t)
	f.role.Close()
	_, err := f.store.User(t.Context(), uuid.New())
	if apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("got %v, want DEPENDENCY_UNAVAILABLE", err)
	}
}
