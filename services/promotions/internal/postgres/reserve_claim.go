package postgres

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// ReserveClaim reserves a claim together with concurrent ones; see groups.
func (s *Store) ReserveClaim(ctx context.Context, p domain.ClaimParams) (domain.Reservation, error) {
	var r reserved
	var err error
	for range maxReserve {
		unkeyed := r
		if r, err = s.claims.do(ctx, p); err != nil {
			return domain.Reservation{}, toAppError(err)
		}
		if !unkeyed.NotAfter.IsZero() { // the ledger was not asked
			if err := s.ReleaseClaim(ctx, unkeyed.Reservation); err != nil {
				return domain.Reservation{}, err
			}
		}
		if !r.keyTaken {
			return r.Reservation, r.refused
		}
	}
	return domain.Reservation{}, apperr.New(apperr.DependencyUnavailable, "other claims use the same Idempotency-Key")
}

// maxReserve is how often a claim is reserved whose key a concurrent claim of another promotion has stored. The second time
// usually finds the key.
const maxReserve = 5

// reserved is the result of a claim in a group.
type reserved struct {
	domain.Reservation
	refused error // the error of Decide
	// keyTaken is true if another transaction has stored the Idempotency-Key since this one read it.
	keyTaken bool
}

// claimCall is a call of ReserveClaim.
type claimCall = groupCall[domain.ClaimParams, reserved]

// commitReservations decides about the claims of a group and stores their reservations, in one transaction with two round
// trips. It holds the locks of the claims of all promotions of the group.
func (s *Store) commitReservations(ctx context.Context, group []*claimCall) error {
	return postgres.Retry(ctx, func() error {
		return s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
			// After an error, the pool closes the connection, which rolls back.
			found, err := readClaims(ctx, conn, group)
			if err != nil {
				return err
			}
			return storeReservations(ctx, conn, group, decide(group, found))
		})
	})
}

// claimsFound is what is stored about the claims of a group.
type claimsFound struct {
	at           time.Time // the time of all decisions
	keys         map[playerKey]uuid.UUID
	assignments  map[playerPromotion]domain.Assignment
	promotions   map[uuid.UUID]*domain.Promotion
	reservations map[uuid.UUID]*reservation // by assignment
	totals       map[uuid.UUID]domain.ClaimTotals
	restricted   map[uuid.UUID]bool // the players to whom a restriction refuses promotions
}

// reservation is a stored reservation, with what the group adds.
type reservation struct {
	at, notAfter time.Time
	started      int32
	closed       bool
}

const (
	// maxSharing is the maximum number of claims that share a reservation. It also bounds the keys of an assignment that is not
	// paid.
	maxSharing = 1000
	// minPayTime is the minimum time that a claim leaves the ledger. It is longer than a usual payment.
	minPayTime = time.Second
)

// closedAt reports whether no further claim can share the reservation. See [domain.Claiming].
func (r *reservation) closedAt(now time.Time) bool {
	return r.closed || r.started >= maxSharing || now.Add(minPayTime).After(r.notAfter)
}

type playerKey struct {
	player uuid.UUID
	key    string
}

type playerPromotion struct{ player, promotion uuid.UUID }

// readClaims begins the transaction, locks the claims of the promotions and reads what the decisions need.
func readClaims(ctx context.Context, conn *pgxpool.Conn, group []*claimCall) (*claimsFound, error) {
	f := &claimsFound{
		keys: map[playerKey]uuid.UUID{}, assignments: map[playerPromotion]domain.Assignment{},
		promotions: map[uuid.UUID]*domain.Promotion{}, reservations: map[uuid.UUID]*reservation{},
		restricted: map[uuid.UUID]bool{},
	}
	var keys []string
	var players, promotions []uuid.UUID
	for _, c := range group {
		players, promotions = append(players, c.params.Player), append(promotions, c.params.Promotion)
		keys = append(keys, c.params.Key)
		if c.params.At.After(f.at) {
			f.at = c.params.At
		}
	}
	batch := &pgx.Batch{}
	locks := queueLocks(batch, promotions)
	batch.Queue(`SELECT k.user_id, k.key, k.promotion_id FROM unnest($1::uuid[], $2::text[]) AS e (user_id, key)
		JOIN claim_keys k ON k.user_id = e.user_id AND k.key = e.key`, players, keys).Query(f.collectKeys)
	batch.Queue(`SELECT `+assignmentColumns+` FROM player_promotions
		WHERE (user_id, promotion_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))`, players, promotions).
		Query(f.collectAssignments)
	batch.Queue(`SELECT r.id, r.reserved_at, r.not_after, r.started, r.closed
		FROM unnest($1::uuid[], $2::uuid[]) AS e (user_id, promotion_id)
		JOIN player_promotions a ON a.user_id = e.user_id AND a.promotion_id = e.promotion_id
		JOIN claim_reservations r ON r.id = a.id`, players, promotions).Query(f.collectReservations)
	batch.Queue("SELECT id FROM players p WHERE id = ANY ($1) AND "+refusedSQL("p", "$2"), players, f.at).
		Query(f.collectRestricted)
	batch.Queue("SELECT "+promotionColumns+" FROM promotions WHERE id = ANY ($1)", locks).Query(f.collectPromotions)
	batch.Queue(totalsSQL, locks, columns.Date(date.Of(f.at))).Query(func(rows pgx.Rows) (err error) {
		f.totals, err = collectTotals(rows)
		return err
	})
	return f, conn.SendBatch(ctx, batch).Close()
}

func (f *claimsFound) collectKeys(rows pgx.Rows) error {
	var k playerKey
	var promotion uuid.UUID
	_, err := pgx.ForEachRow(rows, []any{&k.player, &k.key, &promotion}, func() error {
		f.keys[k] = promotion
		return nil
	})
	return err
}

func (f *claimsFound) collectAssignments(rows pgx.Rows) error {
	assignments, err := pgx.CollectRows(rows, scanAssignment)
	for _, a := range assignments {
		f.assignments[playerPromotion{a.UserID, a.PromotionID}] = a
	}
	return err
}

func (f *claimsFound) collectReservations(rows pgx.Rows) error {
	var assignment uuid.UUID
	var r reservation
	_, err := pgx.ForEachRow(rows, []any{&assignment, &r.at, &r.notAfter, &r.started, &r.closed}, func() error {
		stored := r
		f.reservations[assignment] = &stored
		return nil
	})
	return err
}

func (f *claimsFound) collectRestricted(rows pgx.Rows) error {
	var player uuid.UUID
	_, err := pgx.ForEachRow(rows, []any{&player}, func() error {
		f.restricted[player] = true
		return nil
	})
	return err
}

func (f *claimsFound) collectPromotions(rows pgx.Rows) error {
	promotions, err := pgx.CollectRows(rows, scanPromotion)
	for i := range promotions {
		f.promotions[promotions[i].ID] = &promotions[i]
	}
	return err
}

// newClaims are what the claims of a group add.
type newClaims struct {
	keys         []*claimCall // the calls whose Idempotency-Keys are new
	reservations map[uuid.UUID]*newReservation
	refusals     []domain.Refusal
}

// newReservation is a new reservation of an assignment, or further claims that share one.
type newReservation struct {
	domain.Assignment
	*reservation
	calls int32
}

// decide decides about the claims of a group, one after the other, and sets the results of their calls.
func decide(group []*claimCall, f *claimsFound) newClaims {
	added := newClaims{reservations: map[uuid.UUID]*newReservation{}}
	for _, c := range group {
		p := c.params
		p.At = f.at
		c.result = reserved{}
		claiming := domain.Claiming{
			ClaimParams: p, KeyPromotion: f.keys[playerKey{p.Player, p.Key}], Totals: f.totals[p.Promotion],
			Restricted: f.restricted[p.Player],
		}
		if a, ok := f.assignments[playerPromotion{p.Player, p.Promotion}]; ok {
			promotion := *f.promotions[p.Promotion] // a copy, because the calls continue concurrently
			a.Promotion = &promotion
			claiming.Assignment = &a
			if r := f.reservations[a.ID]; r != nil {
				claiming.Reserved, claiming.Closed = true, r.closedAt(f.at)
			}
		}
		reserve, err := claiming.Decide()
		if err != nil {
			c.result.refused = err
			if apperr.CodeOf(err) == apperr.PlayerRestricted {
				added.refusals = append(added.refusals, domain.Refusal{
					UserID: p.Player, PromotionID: p.Promotion, Action: domain.RefusalActionClaim, CreatedAt: p.At,
				})
			}
			continue
		}
		a := *claiming.Assignment
		c.result.Assignment = a
		if p.Key != "" && claiming.KeyPromotion == uuid.Nil && !a.ClaimedBy(p.ClaimID) {
			f.keys[playerKey{p.Player, p.Key}] = p.Promotion
			added.keys = append(added.keys, c)
		}
		if reserve {
			f.reserve(added, c, a)
		}
	}
	return added
}

// reserve adds a reservation for a call. Calls of one assignment share the reservation. Its time limit does not change, so
// that it ends even if the player claims again and again.
func (f *claimsFound) reserve(added newClaims, c *claimCall, a domain.Assignment) {
	r := f.reservations[a.ID]
	if r == nil {
		r = &reservation{at: f.at, notAfter: c.params.NotAfter}
		f.reservations[a.ID] = r
		t := f.totals[a.PromotionID]
		t.Claims, t.Amount, t.Today = t.Claims+1, t.Amount+a.Amount, t.Today+1
		f.totals[a.PromotionID] = t
	}
	r.started++
	n := added.reservations[a.ID]
	if n == nil {
		n = &newReservation{Assignment: a, reservation: r}
		added.reservations[a.ID] = n
	}
	n.calls++
	c.result.ReservedAt, c.result.NotAfter = r.at, r.notAfter
}

// storeReservations stores what the claims of a group add, and commits. It sets keyTaken in the results of calls whose keys
// another transaction has stored in the meantime.
func storeReservations(ctx context.Context, conn *pgxpool.Conn, group []*claimCall, added newClaims) error {
	batch := &pgx.Batch{}
	if len(added.keys) > 0 {
		queueKeys(batch, added.keys, group[0].params.At)
	}
	if len(added.reservations) > 0 {
		queueReservations(batch, added.reservations)
	}
	if err := queueRefusals(batch, added.refusals); err != nil {
		return err
	}
	batch.Queue("COMMIT")
	return conn.SendBatch(ctx, batch).Close()
}

// queueKeys inserts keys in the order of players and keys, so that concurrent groups cannot deadlock.
func queueKeys(batch *pgx.Batch, calls []*claimCall, at time.Time) {
	slices.SortFunc(calls, func(a, b *claimCall) int {
		return cmp.Or(bytes.Compare(a.params.Player[:], b.params.Player[:]), cmp.Compare(a.params.Key, b.params.Key))
	})
	var players, promotions []uuid.UUID
	var keys []string
	byKey := map[playerKey]*claimCall{}
	for _, c := range calls {
		players, promotions = append(players, c.params.Player), append(promotions, c.params.Promotion)
		keys = append(keys, c.params.Key)
		byKey[playerKey{c.params.Player, c.params.Key}] = c
	}
	batch.Queue(`
		INSERT INTO claim_keys (user_id, key, promotion_id, created_at)
		SELECT user_id, key, promotion_id, $4 FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS e (user_id, key, promotion_id)
		ON CONFLICT (user_id, key) DO NOTHING RETURNING user_id, key`, players, keys, promotions, at).
		Query(func(rows pgx.Rows) error {
			var k playerKey
			_, err := pgx.ForEachRow(rows, []any{&k.player, &k.key}, func() error {
				delete(byKey, k)
				return nil
			})
			for _, c := range byKey {
				c.result.keyTaken = true
			}
			return err
		})
}

// queueReservations inserts reservations, or counts the claims that share those that exist.
func queueReservations(batch *pgx.Batch, reservations map[uuid.UUID]*newReservation) {
	var ids, players, promotions []uuid.UUID
	var amounts []int64
	var from, until []time.Time
	var started []int32
	for id, r := range reservations {
		ids, players, promotions = append(ids, id), append(players, r.UserID), append(promotions, r.PromotionID)
		amounts = append(amounts, int64(r.Amount))
		from, until, started = append(from, r.at), append(until, r.notAfter), append(started, r.calls)
	}
	batch.Queue(`
		INSERT INTO claim_reservations AS r (id, user_id, promotion_id, amount, reserved_at, not_after, started)
		SELECT id, user_id, promotion_id, amount * 0.01, reserved_at, not_after, started
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::int[])
		  AS e (id, user_id, promotion_id, amount, reserved_at, not_after, started)
		ON CONFLICT (id) DO UPDATE SET started = r.started + excluded.started`,
		ids, players, promotions, amounts, from, until, started)
}

// sortedIDs returns the distinct ids in ascending order.
func sortedIDs(ids []uuid.UUID) []uuid.UUID {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}
