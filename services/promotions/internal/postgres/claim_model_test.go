package postgres_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// TestModel runs random sequences of operations against the service and against a model in memory. Both must give the same
// answers, and the same usage to the cent. The clock of the service moves in steps, over midnights and deadlines.
func TestModel(t *testing.T) {
	t.Parallel()
	const rounds, operations = 10, 1000
	for range rounds {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			m := newModel(t, seed)
			for n := range operations {
				m.step()
				if t.Failed() {
					t.Fatalf("after %d operations; the last ones were %v", n+1, m.log[max(0, len(m.log)-10):])
				}
			}
			m.checkCounters()
		})
	}
}

// model is the model of two promotions and six players, next to the service that it models.
type model struct {
	fixture
	rand       *rand.Rand
	now        time.Time
	service    *promotions.Service
	promotions []*modelPromotion
	players    []uuid.UUID
	log        []string
}

type modelPromotion struct {
	id          uuid.UUID
	limits      promotions.PromotionLimits
	amount      money.Amount
	paused      bool
	assigned    int32
	assignments map[uuid.UUID]*modelAssignment // by player
}

// modelAssignment is an assignment in the model. A zero time means never.
type modelAssignment struct {
	amount               money.Amount
	expiresAt, revokedAt time.Time
	expired              bool // the expiry is recorded
	dueAt                time.Time
	claimed, paid        bool      // paid is the ledger's view
	confirmed            bool      // a claim has succeeded
	claimedAt            time.Time // when it was reserved
	reservedAt, notAfter time.Time
	claims               int // that share the reservation and may still be paid
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{fixture: start(t), rand: rand.New(rand.NewPCG(seed, 0))}
	m.now = m.today.Time().Add(12 * time.Hour)
	m.service = m.replicas(1, func() time.Time { return m.now })[0]
	for range 2 {
		p := m.promotion(promotions.PromotionTypeBonus, 0, 3650)
		m.promotions = append(m.promotions, &modelPromotion{
			id: p.ID, amount: p.Amount, assignments: map[uuid.UUID]*modelAssignment{},
		})
	}
	for range 6 {
		m.players = append(m.players, m.player())
	}
	return m
}

func (m *model) logf(format string, args ...any) { m.log = append(m.log, fmt.Sprintf(format, args...)) }

// step runs one random operation and compares the usage of one promotion.
func (m *model) step() {
	p := m.promotions[m.rand.IntN(len(m.promotions))]
	player := m.players[m.rand.IntN(len(m.players))]
	switch n := m.rand.IntN(100); {
	case n < 35:
		m.claimOnce(p, player)
	case n < 55:
		m.assignOnce(p, player)
	case n < 65:
		m.revokeOnce(p, player)
	case n < 75:
		m.setLimits(p)
	case n < 80:
		m.setAmount(p)
	case n < 85:
		m.pauseOrResume(p)
	case n < 93:
		m.advance()
	default:
		m.sweep()
	}
	m.compare(p)
}

func (m *model) advance() {
	d := []time.Duration{time.Second, 16 * time.Second, time.Hour, 23 * time.Hour}[m.rand.IntN(4)]
	m.now = m.now.Add(d)
	m.logf("advance %s", d)
}

func (m *model) setAmount(p *modelPromotion) {
	p.amount = money.Amount(1 + m.rand.IntN(3000))
	m.logf("amount %s", p.amount)
	if _, err := m.service.Update(m.Context(), p.id, func(q *promotions.Promotion) error { q.Amount = p.amount; return nil }); err != nil {
		m.Error(err)
	}
}

func (m *model) pauseOrResume(p *modelPromotion) {
	change := (*promotions.Service).Pause
	if p.paused {
		change = (*promotions.Service).Resume
	}
	p.paused = !p.paused
	m.logf("paused %v", p.paused)
	if _, err := change(m.service, m.Context(), p.id); err != nil {
		m.Error(err)
	}
}

// totals returns what the claims of p add up to, with those that are being paid.
func (m *model) totals(p *modelPromotion) (claims, today int32, amount money.Amount) {
	for _, a := range p.assignments {
		at := a.reservedAt
		if a.claimed {
			at = a.claimedAt
		}
		if at.IsZero() {
			continue
		}
		claims, amount = claims+1, amount+a.amount
		if date.Of(at) == date.Of(m.now) {
			today++
		}
	}
	return claims, today, amount
}

func (m *model) setLimits(p *modelPromotion) {
	claims, today, amount := m.totals(p)
	pick := func(used int) int { // 0, or something near the use
		if m.rand.IntN(2) == 0 {
			return 0
		}
		return max(0, used-1+m.rand.IntN(4))
	}
	l := promotions.PromotionLimits{
		MaxClaims: int32(pick(int(claims))), MaxClaimsPerDay: int32(pick(int(today))),
		Budget: money.Amount(pick(int(amount)/1000) * 1000), ClaimWithinHours: int32(m.rand.IntN(3) * 13),
	}
	below := l.MaxClaims > 0 && l.MaxClaims != p.limits.MaxClaims && l.MaxClaims < claims ||
		l.Budget > 0 && l.Budget != p.limits.Budget && l.Budget < amount ||
		l.MaxClaimsPerDay > 0 && l.MaxClaimsPerDay != p.limits.MaxClaimsPerDay && l.MaxClaimsPerDay < today
	m.logf("limits %+v, refused %v", l, below)
	_, err := m.service.Update(m.Context(), p.id, func(q *promotions.Promotion) error { q.Limits = l; return nil })
	if below {
		m.wantCode(err, apperr.ValidationFailed)
		return
	}
	m.wantCode(err, "")
	p.limits = l
}

func (m *model) assignOnce(p *modelPromotion, player uuid.UUID) {
	reassign := m.rand.IntN(2) == 0
	a := p.assignments[player]
	want := promotions.AssignOutcomeAlreadyAssigned
	switch {
	case p.paused:
		want = ""
	case a == nil || reassign && !a.claimed && a.reservedAt.IsZero() && (!a.revokedAt.IsZero() || a.over(m.now)):
		want = promotions.AssignOutcomeAssigned
	}
	m.logf("assign to %s again %v: %q", player, reassign, want)
	results, err := m.service.Assign(m.Context(), p.id, []uuid.UUID{player}, uuid.New(), reassign)
	if want == "" {
		m.wantCode(err, apperr.PromotionNotActive)
		return
	}
	if err != nil || results[0].Outcome != want {
		m.Errorf("got %v, %v, want %s", results, err, want)
	}
	if want == promotions.AssignOutcomeAssigned {
		p.assigned++
		n := &modelAssignment{amount: p.amount}
		if h := p.limits.ClaimWithinHours; h > 0 {
			n.expiresAt = m.now.Add(time.Duration(h) * time.Hour)
			n.dueAt = n.expiresAt
		}
		p.assignments[player] = n
	}
}

func (a *modelAssignment) over(now time.Time) bool {
	return !a.expiresAt.IsZero() && !now.Before(a.expiresAt)
}

func (m *model) revokeOnce(p *modelPromotion, player uuid.UUID) {
	a := p.assignments[player]
	if a != nil && !a.claimed && !a.reservedAt.IsZero() {
		return // Revoke would wait for the claim
	}
	want := promotions.RevokeOutcomeRevoked
	switch {
	case a == nil:
		want = promotions.RevokeOutcomeNotAssigned
	case a.claimed:
		want = promotions.RevokeOutcomeAlreadyClaimed
	case a.revokedAt.IsZero():
		a.revokedAt = m.now
	}
	m.logf("revoke from %s: %s", player, want)
	if results, err := m.service.Revoke(m.Context(), p.id, []uuid.UUID{player}); err != nil || results[0].Outcome != want {
		m.Errorf("got %v, %v, want %s", results, err, want)
	}
}

// claimOnce claims with a ledger that works, refuses, cannot be reached, or loses its answer.
func (m *model) claimOnce(p *modelPromotion, player uuid.UUID) {
	m.ledger.fail, m.ledger.lost = nil, nil
	fault := m.rand.IntN(8)
	switch fault {
	case 0:
		m.ledger.fail = apperr.New(apperr.AccountDeactivated, "refused")
	case 1:
		m.ledger.fail = apperr.New(apperr.DependencyUnavailable, "the ledger cannot be reached")
	case 2:
		m.ledger.lost = apperr.New(apperr.DependencyUnavailable, "the answer is lost")
	}
	want := m.claimCode(p, player)
	if want == "" {
		want = m.pay(p.assignments[player], fault)
	}
	m.logf("claim by %s with fault %d: %q", player, fault, want)
	_, err := m.service.Claim(m.Context(), player, p.id, "")
	m.ledger.fail, m.ledger.lost = nil, nil
	m.wantCode(err, want)
}

// claimCode returns the error of a claim before the ledger is asked.
func (m *model) claimCode(p *modelPromotion, player uuid.UUID) apperr.Code {
	a := p.assignments[player]
	claims, today, amount := m.totals(p)
	l := p.limits
	switch {
	case a == nil:
		return apperr.NotFound
	case a.claimed && a.confirmed:
		return apperr.PromotionAlreadyClaimed
	case a.claimed:
		return ""
	case !a.revokedAt.IsZero():
		return apperr.AssignmentRevoked
	case a.over(m.now):
		return apperr.AssignmentExpired
	case p.paused:
		return apperr.PromotionNotActive
	case !a.reservedAt.IsZero() && m.now.Add(time.Second).After(a.notAfter):
		return apperr.DependencyUnavailable // its time is over
	case !a.reservedAt.IsZero():
		return ""
	case l.MaxClaims > 0 && claims >= l.MaxClaims, l.Budget > 0 && amount+a.amount > l.Budget,
		l.MaxClaimsPerDay > 0 && today >= l.MaxClaimsPerDay:
		return apperr.PromotionExhausted
	}
	return ""
}

// pay reserves the claim and asks the ledger. It returns the error of the claim.
func (m *model) pay(a *modelAssignment, fault int) apperr.Code {
	if !a.claimed {
		if a.reservedAt.IsZero() {
			a.reservedAt, a.notAfter, a.claims = m.now, m.now.Add(15*time.Second), 0
		}
		a.claims++
	}
	switch fault {
	case 0:
		if a.claims--; a.claims == 0 && !a.claimed {
			a.reservedAt, a.notAfter = time.Time{}, time.Time{}
		}
		return apperr.AccountDeactivated
	case 1:
		return apperr.DependencyUnavailable
	case 2:
		a.paid = true
		return apperr.DependencyUnavailable
	}
	a.paid = true
	a.mark(m.now)
	a.confirmed = true
	return ""
}

// mark marks the assignment as claimed.
func (a *modelAssignment) mark(now time.Time) {
	if !a.claimed {
		a.claimed, a.claimedAt = true, now
		if !a.reservedAt.IsZero() {
			a.claimedAt = a.reservedAt
		}
	}
	a.reservedAt, a.notAfter = time.Time{}, time.Time{}
}

// sweep settles claims and handles deadlines.
func (m *model) sweep() {
	m.logf("sweep")
	if err := m.service.SettleClaims(m.Context()); err != nil {
		m.Error(err)
	}
	for _, p := range m.promotions {
		for _, a := range p.assignments {
			switch {
			case a.reservedAt.IsZero() || !a.notAfter.Before(m.now):
			case a.paid:
				a.mark(m.now)
			default:
				a.reservedAt, a.notAfter = time.Time{}, time.Time{}
			}
		}
	}
	if err := m.service.HandleDeadlines(m.Context()); err != nil {
		m.Error(err)
	}
	for _, p := range m.promotions {
		for _, a := range p.assignments {
			switch {
			case a.dueAt.IsZero() || m.now.Before(a.dueAt):
			case !a.claimed && !a.reservedAt.IsZero():
				a.dueAt = m.now.Add(5 * time.Second)
			default:
				a.expired = a.expired || !a.claimed && a.revokedAt.IsZero()
				a.dueAt = time.Time{}
			}
		}
	}
}

// compare compares the usage of a promotion.
func (m *model) compare(p *modelPromotion) {
	want := promotions.PromotionUsage{Assigned: p.assigned}
	for a := range maps.Values(p.assignments) {
		switch {
		case a.claimed:
			want.Claimed, want.Spent = want.Claimed+1, want.Spent+a.amount
		case !a.revokedAt.IsZero():
			want.Revoked++
		case a.expired:
			want.Expired++
		}
		if !a.reservedAt.IsZero() {
			want.Reserved++
		}
	}
	got, err := m.service.Get(m.Context(), p.id)
	if err != nil || got.Usage != want {
		m.Errorf("got usage %+v, %v, want %+v", got.Usage, err, want)
	}
	claims, _, amount := m.totals(p)
	states := []promotions.PromotionState{promotions.PromotionStateActive}
	l := p.limits
	switch {
	case p.paused:
		states = []promotions.PromotionState{promotions.PromotionStatePaused}
	case l.MaxClaims > 0 && want.Claimed >= l.MaxClaims || l.Budget > 0 && l.Budget-want.Spent < p.amount:
		states = []promotions.PromotionState{promotions.PromotionStateExhausted}
	}
	if !slices.Contains(states, got.State) {
		m.Errorf("got state %s, want %v", got.State, states)
	}
	if l.MaxClaims > 0 && claims > l.MaxClaims || l.Budget > 0 && amount > l.Budget {
		m.Errorf("the claims exceed the limits %+v", l)
	}
}
