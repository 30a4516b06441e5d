package postgres_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// refuse makes the ledger refuse all credits for good.
func (f fixture) refuse() { f.ledger.fail = apperr.New(apperr.AccountDeactivated, "refused") }

// count returns the number of rows that a query counts.
func (f fixture) count(sql string, args ...any) (n int) {
	f.Helper()
	if err := f.pool.QueryRow(f.Context(), sql, args...).Scan(&n); err != nil {
		f.Fatal(err)
	}
	return n
}

// wantStored checks the number of reservations and of keys.
func (f fixture) wantStored(reservations, keys int) {
	f.Helper()
	if r, k := f.count("SELECT count(*) FROM claim_reservations"), f.count("SELECT count(*) FROM claim_keys"); r != reservations || k != keys {
		f.Errorf("%d reservations and %d keys are stored, want %d and %d", r, k, reservations, keys)
	}
}

// claimAtOnce claims p for a player with n different keys at once, on three replicas. Each claim is reserved before the ledger
// is asked. It returns the errors by key.
func (f fixture) claimAtOnce(p limitedPromotion, player uuid.UUID, n int) map[string]error {
	services := f.replicas(3, time.Now)
	errs := map[string]error{}
	var mu sync.Mutex
	var wg, ready sync.WaitGroup
	ready.Add(n)
	f.ledger.before = func() { ready.Done(); ready.Wait() }
	for i := range n {
		wg.Go(func() {
			key := fmt.Sprintf("key %d", i)
			_, err := services[i%len(services)].Claim(f.Context(), player, p.ID, key)
			mu.Lock()
			defer mu.Unlock()
			errs[key] = err
		})
	}
	wg.Wait()
	f.ledger.before = nil
	return errs
}

// TestUnpaidClaimsLeaveNothing refuses claims, with and without other claims that share their reservation.
func TestUnpaidClaimsLeaveNothing(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{MaxClaims: 1}, 100, 100)
	player, other := p.players[0], p.players[1]
	f.refuse()
	for i := range 3 {
		_, err := f.service.Claim(t.Context(), player, p.ID, strconv.Itoa(i))
		f.wantCode(err, apperr.AccountDeactivated)
		f.wantStored(0, 0)
	}
	for key, err := range f.claimAtOnce(p, player, 12) {
		if apperr.CodeOf(err) != apperr.AccountDeactivated {
			t.Errorf("%s: got %v, want a refusal", key, err)
		}
	}
	f.wantStored(0, 0)

	// A claim that may be paid keeps the reservation and its keys until it is settled.
	f.ledger.fail = apperr.New(apperr.DependencyUnavailable, "the ledger cannot be reached")
	_, err := f.service.Claim(t.Context(), player, p.ID, "a")
	f.wantCode(err, apperr.DependencyUnavailable)
	f.refuse()
	_, err = f.service.Claim(t.Context(), player, p.ID, "b")
	f.wantCode(err, apperr.AccountDeactivated)
	f.wantStored(1, 2)
	f.ledger.fail = nil
	f.claim(p, other, apperr.PromotionExhausted)
	late := f.replicas(1, func() time.Time { return time.Now().Add(time.Minute) })[0]
	if err := late.SettleClaims(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wantStored(0, 0)
	f.claim(p, other, "")
}

// TestOnlyTheKeyOfThePaidClaimStays claims with several keys at once. The key of the claim that succeeds gets the same answer
// again and is bound to its promotion; the others can be used for another promotion.
func TestOnlyTheKeyOfThePaidClaimStays(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, repaired := range []bool{false, true} {
		p := f.limited(promotions.PromotionLimits{}, 100)
		player := p.players[0]
		if repaired {
			f.repair(player, p.Promotion)
		}
		var paid, unpaid string
		for key, err := range f.claimAtOnce(p, player, 12) {
			switch apperr.CodeOf(err) {
			case "":
				paid = key
			case apperr.PromotionAlreadyClaimed:
				unpaid = key
			default:
				t.Errorf("%s: got %v", key, err)
			}
		}
		if n := f.count("SELECT count(*) FROM claim_keys WHERE user_id = $1 AND key = $2", player, paid); n != 1 {
			t.Errorf("repaired %t: the key of the paid claim is stored %d times", repaired, n)
		}
		if n := f.count("SELECT count(*) FROM claim_keys WHERE user_id = $1", player); n != 1 {
			t.Errorf("repaired %t: %d keys are stored, want 1", repaired, n)
		}
		_, err := f.service.Claim(t.Context(), player, p.ID, paid)
		f.wantCode(err, "")
		_, err = f.service.Claim(t.Context(), player, p.ID, "another key")
		f.wantCode(err, apperr.PromotionAlreadyClaimed)
		q := f.limited(promotions.PromotionLimits{})
		f.assign(q, player, false, promotions.AssignOutcomeAssigned)
		_, err = f.service.Claim(t.Context(), player, q.ID, paid)
		f.wantCode(err, apperr.IdempotencyMismatch)
		_, err = f.service.Claim(t.Context(), player, q.ID, unpaid)
		f.wantCode(err, "")
	}
}

// TestOneKeyForManyPromotions claims many promotions at once with one key, on three replicas. One of them is paid, also if the
// ledger first refuses some.
func TestOneKeyForManyPromotions(t *testing.T) {
	t.Parallel()
	f := start(t)
	player := f.player()
	services := f.replicas(3, time.Now)
	var wg sync.WaitGroup
	var paid, refused atomic.Int32
	var asked atomic.Int32
	f.ledger.before = func() { // refuses the first three
		f.ledger.mu.Lock()
		defer f.ledger.mu.Unlock()
		if f.ledger.fail = nil; asked.Add(1) <= 3 {
			f.ledger.fail = apperr.New(apperr.AccountDeactivated, "refused")
		}
	}
	for i := range 12 {
		p := f.limited(promotions.PromotionLimits{})
		f.assign(p, player, false, promotions.AssignOutcomeAssigned)
		wg.Go(func() {
			for {
				_, err := services[i%3].Claim(t.Context(), player, p.ID, "k")
				switch apperr.CodeOf(err) {
				case "":
					paid.Add(1)
				case apperr.IdempotencyMismatch:
					refused.Add(1)
				case apperr.AccountDeactivated, apperr.DependencyUnavailable:
					continue
				default:
					t.Error(err)
				}
				return
			}
		})
	}
	wg.Wait()
	if paid.Load() != 1 || len(f.ledger.paid) != 1 || refused.Load() != 11 {
		t.Errorf("%d claims succeeded with %d credits, and %d were refused; want 1, 1 and 11", paid.Load(), len(f.ledger.paid),
			refused.Load())
	}
	f.wantStored(0, 1)
}

// TestClaimsDoNotProlongTheirReservation claims again and again while the ledger cannot be reached.
func TestClaimsDoNotProlongTheirReservation(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{MaxClaims: 1}, 100, 100)
	now := time.Now()
	service := f.replicas(1, func() time.Time { return now })[0]
	f.ledger.fail = apperr.New(apperr.DependencyUnavailable, "the ledger cannot be reached")
	var asked int
	f.ledger.before = func() { asked++ }
	for range 30 {
		_, err := service.Claim(t.Context(), p.players[0], p.ID, "")
		f.wantCode(err, apperr.DependencyUnavailable)
		now = now.Add(time.Second)
	}
	if asked != 15 {
		t.Errorf("the ledger was asked %d times, want once per second until a second before the end", asked)
	}
	if n := f.count("SELECT count(*) FROM claim_reservations WHERE not_after = reserved_at + interval '15 seconds'"); n != 1 {
		t.Errorf("%d reservations end 15 seconds after they began, want 1", n)
	}
	f.ledger.fail = nil
	if err := service.SettleClaims(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := service.Claim(t.Context(), p.players[1], p.ID, "")
	f.wantCode(err, "")
}

// TestRevokeEndsALoopOfClaims revokes an assignment while its player claims without pause, and gives up at once. The ledger
// refuses each claim.
func TestRevokeEndsALoopOfClaims(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{MaxClaims: 1}, 100, 100)
	services := f.replicas(3, time.Now)
	f.refuse()
	var started, wg sync.WaitGroup
	started.Add(8)
	var entered atomic.Int32
	var shared sync.WaitGroup
	shared.Add(2)
	f.ledger.before = func() { // the first two claims share the reservation
		if entered.Add(1) <= 2 {
			shared.Done()
			shared.Wait()
		}
	}
	for i := range 8 {
		wg.Go(func() {
			started.Done()
			for {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				_, err := services[i%3].Claim(ctx, p.players[0], p.ID, uuid.NewString())
				cancel()
				if apperr.CodeOf(err) == apperr.AssignmentRevoked {
					return
				}
			}
		})
	}
	started.Wait()
	shared.Wait()
	if got := f.revoke(p, p.players[0]); got[0] != promotions.RevokeOutcomeRevoked {
		t.Errorf("got %v, want REVOKED", got)
	}
	wg.Wait()
	f.wantStored(0, 0)
	f.ledger.fail, f.ledger.before = nil, nil
	f.claim(p, p.players[1], "")
}

// TestRevocationClosesAReservation revokes an assignment while its claims are being refused. A further claim does not begin,
// and the revocation finds the assignment without a claim.
func TestRevocationClosesAReservation(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{}, 100)
	f.refuse()
	asked, answer := make(chan struct{}), make(chan struct{})
	f.ledger.before = func() { close(asked); <-answer }
	var wg sync.WaitGroup
	wg.Go(func() { f.claim(p, p.players[0], apperr.AccountDeactivated) })
	<-asked
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.service.Revoke(gone, p.ID, p.players); err == nil {
		t.Error("the revocation did not wait for the claim")
	}
	if n := f.count("SELECT count(*) FROM claim_reservations WHERE closed"); n != 0 {
		t.Errorf("a cancelled revocation closed %d reservations", n)
	}
	if _, err := f.pool.Exec(t.Context(), "UPDATE claim_reservations SET closed = true"); err != nil {
		t.Fatal(err)
	}
	_, err := f.service.Claim(t.Context(), p.players[0], p.ID, "k")
	f.wantCode(err, apperr.DependencyUnavailable)
	close(answer)
	wg.Wait()
	f.wantStored(1, 0) // left to the revocation
	_, err = f.service.Claim(t.Context(), p.players[0], p.ID, "k")
	f.wantCode(err, apperr.DependencyUnavailable)
	if got := f.revoke(p, p.players[0]); got[0] != promotions.RevokeOutcomeRevoked {
		t.Errorf("got %v, want REVOKED", got)
	}
	f.wantStored(0, 0)
	f.checkCounters()
}

// TestManyClaimsShareAReservation bounds the claims that share a reservation.
func TestManyClaimsShareAReservation(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{}, 100)
	f.ledger.fail = apperr.New(apperr.DependencyUnavailable, "the ledger cannot be reached")
	f.claim(p, p.players[0], apperr.DependencyUnavailable)
	if _, err := f.pool.Exec(t.Context(), "UPDATE claim_reservations SET started = 999"); err != nil {
		t.Fatal(err)
	}
	f.ledger.fail = nil
	var asked int
	f.ledger.before = func() { asked++; f.ledger.fail = apperr.New(apperr.DependencyUnavailable, "unreachable") }
	for range 3 {
		_, err := f.service.Claim(t.Context(), p.players[0], p.ID, uuid.NewString())
		f.wantCode(err, apperr.DependencyUnavailable)
	}
	if asked != 1 {
		t.Errorf("%d claims were reserved after 999, want 1", asked)
	}
	f.wantStored(1, 1)
}

// TestReleasesShareTransactions refuses many claims at once while their lock is taken.
func TestReleasesShareTransactions(t *testing.T) {
	t.Parallel()
	f := start(t)
	const claims = 60
	p := f.limited(promotions.PromotionLimits{MaxClaims: claims}, repeat(100, claims)...)
	if _, err := f.pool.Exec(t.Context(), `CREATE TABLE releases (xid bigint);
		CREATE FUNCTION released() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
		  'BEGIN INSERT INTO releases VALUES (txid_current()); RETURN OLD; END';
		CREATE TRIGGER released AFTER DELETE ON claim_reservations FOR EACH ROW EXECUTE FUNCTION released()`); err != nil {
		t.Fatal(err)
	}
	f.refuse()
	hold, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Rollback(context.Background()) // no-op after the commit below
	var reserved, wg sync.WaitGroup
	reserved.Add(claims)
	var lock sync.Once
	f.ledger.before = func() {
		reserved.Done()
		reserved.Wait()
		lock.Do(func() {
			if _, err := hold.Exec(context.Background(), "SELECT pg_advisory_xact_lock(hashtextextended('claims ' || $1::uuid, 0))",
				p.ID); err != nil {
				t.Error(err)
			}
		})
	}
	for _, player := range p.players {
		wg.Go(func() { f.claim(p, player, apperr.AccountDeactivated) })
	}
	f.awaitBlocked(1)
	if err := hold.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	f.wantStored(0, 0)
	rows, transactions := f.count("SELECT count(*) FROM releases"), f.count("SELECT count(DISTINCT xid) FROM releases")
	if rows != claims || transactions > claims/2 {
		t.Errorf("%d reservations were released in %d transactions", rows, transactions)
	}
}
