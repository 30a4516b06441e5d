package idempotency_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	"github.com/casino-loyalty/loyalty/atlas"
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

func newCall(t *testing.T, key string, request proto.Message) *idempotency.Call {
	t.Helper()
	fingerprint, err := idempotency.FingerprintOf("/procedure", request, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &idempotency.Call{ID: idempotency.ID("caller", key), Request: fingerprint}
}

// save saves an answer with the title in a transaction that then returns effect, which may be nil.
func save(ctx context.Context, pool *pgxpool.Pool, title string, effect error) error {
	return postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		if err := idempotency.Save(ctx, tx, &promotionsv1.Promotion{Title: title}); err != nil {
			return err
		}
		return effect
	})
}

// stored returns the title of the stored answer to a call, or false if there is none.
func stored(t *testing.T, store *idempotency.Store, id uuid.UUID) (string, bool) {
	t.Helper()
	a, ok, err := store.Find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var p promotionsv1.Promotion
	if err := proto.Unmarshal(a.Message, &p); err != nil {
		t.Fatal(err)
	}
	return p.GetTitle(), ok
}

func TestSaveStoresOneOfConcurrentAnswers(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t, atlas.Promotions)
	store := idempotency.NewStore(pool)
	var won atomic.Pointer[string]
	var wg sync.WaitGroup
	const calls = 20
	var repeated atomic.Int64
	for i := range calls {
		call := newCall(t, "key", &promotionsv1.Promotion{})
		wg.Go(func() {
			title := strconv.Itoa(i)
			switch err := save(idempotency.With(t.Context(), call), pool, title, nil); {
			case err == nil && call.Saved():
				won.Store(&title)
			case errors.Is(err, idempotency.ErrRepeated) && !call.Saved():
				repeated.Add(1)
			default:
				t.Errorf("got %v, saved %t", err, call.Saved())
			}
		})
	}
	wg.Wait()
	got, ok := stored(t, store, idempotency.ID("caller", "key"))
	if winner := won.Load(); repeated.Load() != calls-1 || !ok || winner == nil || *winner != got {
		t.Errorf("%d calls were repeated, the stored answer is %q, %t", repeated.Load(), got, ok)
	}
}

func TestSaveBelongsToTheTransaction(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t, atlas.Promotions)
	store := idempotency.NewStore(pool)
	call := newCall(t, "key", &promotionsv1.Promotion{})
	failed := errors.New("the effect failed")
	if err := save(idempotency.With(t.Context(), call), pool, "lost", failed); !errors.Is(err, failed) {
		t.Fatalf("got %v, want %v", err, failed)
	}
	if title, ok := stored(t, store, call.ID); ok {
		t.Errorf("the answer %q is stored, but its transaction was rolled back", title)
	}
	if err := save(idempotency.With(t.Context(), call), pool, "second", nil); err != nil {
		t.Fatal(err)
	}
	if title, _ := stored(t, store, call.ID); title != "second" {
		t.Errorf("the stored answer is %q, want second", title)
	}
	if err := save(t.Context(), pool, "without a key", nil); err != nil {
		t.Errorf("a call without a key: %v", err)
	}
}

func TestAddKeepsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	store := idempotency.NewStore(postgrestest.New(t, atlas.Promotions))
	call := newCall(t, "key", &promotionsv1.Promotion{})
	for i, title := range []string{"first", "second"} {
		a, err := call.Answer(&promotionsv1.Promotion{Title: title})
		if err != nil {
			t.Fatal(err)
		}
		if added, err := store.Add(t.Context(), a); err != nil || added != (i == 0) {
			t.Errorf("%s: got %t, %v", title, added, err)
		}
	}
	if title, _ := stored(t, store, call.ID); title != "first" {
		t.Errorf("the stored answer is %q, want first", title)
	}
}

func TestPruneDeletesOldAnswersInBatches(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t, atlas.Promotions)
	store := idempotency.NewStore(pool)
	const old, young = 2*idempotency.PruneBatch + 1, 3
	_, err := pool.Exec(t.Context(), `INSERT INTO idempotency_keys (id, request, answer, created_at)
		SELECT gen_random_uuid(), '', '', now() - CASE WHEN n <= $1 THEN interval '73 hours' ELSE interval '71 hours' END
		FROM generate_series(1, $1::int + $2::int) AS n`, old, young)
	if err != nil {
		t.Fatal(err)
	}
	if deleted, err := store.Prune(t.Context(), idempotency.Retention); err != nil || deleted != old {
		t.Errorf("deleted %d answers, %v, want %d", deleted, err, old)
	}
	var left int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM idempotency_keys").Scan(&left); err != nil || left != young {
		t.Errorf("%d answers are left, %v, want %d", left, err, young)
	}
	if idempotency.Retention < 48*time.Hour {
		t.Errorf("answers are kept for %s, want at least 48 hours", idempotency.Retention)
	}
}

// slowPruner needs three attempts, each longer than its timeout.
type slowPruner struct{ attempts int }

func (p *slowPruner) Prune(ctx context.Context, _ time.Duration) (int64, error) {
	if p.attempts++; p.attempts <= 3 {
		<-ctx.Done()
		return 1, ctx.Err()
	}
	return 0, nil
}

// TestPruningContinuesUntilNothingIsLeft checks that answers which are left after the timeout of an attempt do not wait for
// the next hour.
func TestPruningContinuesUntilNothingIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		p := &slowPruner{}
		if err := idempotency.RunPruning(ctx, p, slog.New(slog.DiscardHandler)); err != nil || p.attempts != 4 {
			t.Errorf("%d attempts, %v, want 4 in five minutes", p.attempts, err)
		}
	})
}

func TestIDSeparatesCallersAndKeys(t *testing.T) {
	t.Parallel()
	seen := map[uuid.UUID]string{}
	for _, pair := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"", "abc"}, {"a", "b"}, {"2:a", "b"}} {
		id := idempotency.ID(pair[0], pair[1])
		if other, ok := seen[id]; ok {
			t.Errorf("%q has the id of %s", pair, other)
		}
		seen[id] = fmt.Sprint(pair)
		if id != idempotency.ID(pair[0], pair[1]) || id.Version() != 8 {
			t.Errorf("%q: the id %s is not stable or not of version 8", pair, id)
		}
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	of := func(procedure string, request proto.Message, key string) idempotency.Fingerprint {
		f, err := idempotency.FingerprintOf(procedure, request, idempotency.SecretKey(key))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	register := func(email, password string) proto.Message {
		return &usersv1.RegisterRequest{Email: email, Password: password}
	}
	first := of("/a", register("anna@example.com", "secret one"), "key 1")
	for name, tt := range map[string]struct {
		other idempotency.Fingerprint
		want  bool
	}{
		"same request":                       {of("/a", register("anna@example.com", "secret one"), "key 1"), true},
		"another procedure":                  {of("/b", register("anna@example.com", "secret one"), "key 1"), false},
		"another field":                      {of("/a", register("bob@example.com", "secret one"), "key 1"), false},
		"another secret":                     {of("/a", register("anna@example.com", "secret two"), "key 1"), false},
		"rotated key":                        {of("/a", register("anna@example.com", "secret one"), "key 2"), true},
		"rotated key, another field":         {of("/a", register("bob@example.com", "secret one"), "key 2"), false},
		"another type of request":            {of("/a", &promotionsv1.ClaimRequest{PromotionId: "x"}, ""), false},
		"nothing, as in a damaged row":       {nil, false},
		"a request without secrets, no key":  {of("/a", &usersv1.GetUserRequest{}, ""), false},
		"the same request with another key ": {of("/a", register("anna@example.com", "secret two"), "key 2"), true},
	} {
		if first.Matches(tt.other) != tt.want || tt.other.Matches(first) != tt.want {
			t.Errorf("%s: got %t, want %t", name, !tt.want, tt.want)
		}
	}
	plain := of("/a", &promotionsv1.ClaimRequest{PromotionId: "x"}, "")
	if !plain.Matches(of("/a", &promotionsv1.ClaimRequest{PromotionId: "x"}, "")) ||
		plain.Matches(of("/a", &promotionsv1.ClaimRequest{PromotionId: "y"}, "")) {
		t.Error("fingerprints of requests without secrets do not compare the request")
	}
}
