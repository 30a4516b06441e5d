package promotions

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/money"
)

const (
	// maxClockOffset is how far the time of an event may be from the current time. An event outside of it is not counted: its
	// window may be pruned already, so a total would be incomplete.
	maxClockOffset = 24 * time.Hour
	// MinEarlierWindows is the number of windows that a promotion must have existed for, before its claim rate is judged.
	MinEarlierWindows = 3
)

// AnomalyRuleNames returns all rules.
func AnomalyRuleNames() []AnomalyRule {
	return []AnomalyRule{
		AnomalyRulePlayerAmount, AnomalyRulePlayerCount, AnomalyRulePromotionAmount, AnomalyRulePromotionCount,
		AnomalyRuleCreditWithoutClaim, AnomalyRuleClaimRate,
	}
}

// AnomalyRules are the limits of the rules that find anomalies. A limit of 0 turns its rule off.
type AnomalyRules struct {
	// Window is the length of a window. It divides a day.
	Window time.Duration
	// PlayerAmount and PlayerCount limit the entries of a player in a window, credits and debits together.
	PlayerAmount money.Amount
	PlayerCount  int64
	// PromotionAmount and PromotionCount limit the credits for a promotion in a window.
	PromotionAmount money.Amount
	PromotionCount  int64
	// CreditWithoutClaim reports credits that match no assignment.
	CreditWithoutClaim bool
	// ClaimRate compares the credits for a promotion in a window with its earlier windows.
	ClaimRate ClaimRateRule
}

// ClaimRateRule reports a window with at least Minimum credits and more than Factor times the average of the earlier
// windows. The earlier windows begin with the first one that has a credit. The rule needs at least MinEarlierWindows of
// them.
type ClaimRateRule struct {
	Factor, Minimum int64
	// History is the maximum number of earlier windows.
	History int
}

// DefaultAnomalyRules returns the default limits.
func DefaultAnomalyRules() AnomalyRules {
	return AnomalyRules{
		Window:       time.Hour,
		PlayerAmount: 10_000_00, PlayerCount: 100,
		PromotionAmount: 100_000_00, PromotionCount: 10_000,
		CreditWithoutClaim: true,
		ClaimRate:          ClaimRateRule{Factor: 10, Minimum: 100, History: 24},
	}
}

// KeepEvents returns how long the store must remember an event. The event may be a day ahead when it is first delivered, and
// is counted until it is a day late.
func (r AnomalyRules) KeepEvents() time.Duration { return 2*maxClockOffset + r.Window }

// KeepPlayers returns how long the store must keep the windows of players.
func (r AnomalyRules) KeepPlayers() time.Duration { return maxClockOffset + r.Window }

// KeepPromotions returns how long the store must keep the windows of promotions.
func (r AnomalyRules) KeepPromotions() time.Duration { return r.KeepPlayers() + r.history() }

func (r AnomalyRules) history() time.Duration { return time.Duration(r.ClaimRate.History) * r.Window }

// window returns the window of an instant.
func (r AnomalyRules) window(at time.Time) Window {
	return Window{Start: at.UTC().Truncate(r.Window), Length: r.Window}
}

// Window is a period in which entries are counted. The zero value is no window.
type Window struct {
	Start  time.Time
	Length time.Duration
}

// String returns the two ends of the window.
func (w Window) String() string {
	return w.Start.Format(time.RFC3339) + " to " + w.Start.Add(w.Length).Format(time.RFC3339)
}

// WindowTotals are the entries of a player or a promotion in a window.
type WindowTotals struct {
	Entries int64
	Amount  money.Amount
}

// EarlierTotals are the credits for a promotion in the windows before the current one, within the history of the rule.
type EarlierTotals struct {
	Entries int64
	// Since is the start of the first stored window. It may be before the history. It is zero if there is none.
	Since time.Time
}

// PaidAssignment is the assignment whose id is the idempotency key of an entry.
type PaidAssignment struct {
	UserID        uuid.UUID
	Amount        money.Amount
	TransactionID uuid.UUID
}

// paidBy reports whether tx paid the assignment.
func (p PaidAssignment) paidBy(tx Transaction) bool {
	return p.UserID == tx.UserID && p.Amount == tx.Amount && p.TransactionID == tx.ID
}

// Observation is the state after an entry was recorded. The totals include the entry. They are zero for an entry that is not
// counted.
type Observation struct {
	// Assignment is nil if no assignment has the entry's key.
	Assignment *PaidAssignment
	Player     WindowTotals
	Promotion  WindowTotals
	Earlier    EarlierTotals
}

// judge returns the anomalies that the rules find. It has no side effects.
func (r AnomalyRules) judge(e Entry, o Observation) []Anomaly {
	j := judgement{entry: e, promotion: e.promotion(), window: r.window(e.At)}
	j.limit(AnomalyRulePlayerAmount, e.Transaction.UserID, amountOver(o.Player.Amount, r.PlayerAmount))
	j.limit(AnomalyRulePlayerCount, e.Transaction.UserID, countOver(o.Player.Entries, r.PlayerCount))
	j.limit(AnomalyRulePromotionAmount, j.promotion, amountOver(o.Promotion.Amount, r.PromotionAmount))
	j.limit(AnomalyRulePromotionCount, j.promotion, countOver(o.Promotion.Entries, r.PromotionCount))
	j.limit(AnomalyRuleClaimRate, j.promotion, r.ClaimRate.over(o, j.window))
	if r.CreditWithoutClaim && e.Transaction.Type == TransactionTypeCredit && e.Transaction.Reverses == uuid.Nil &&
		(o.Assignment == nil || !o.Assignment.paidBy(e.Transaction)) {
		j.add(Anomaly{
			Rule: AnomalyRuleCreditWithoutClaim, Subject: e.Transaction.UserID, UserID: e.Transaction.UserID,
			PromotionID: j.promotion, Detail: fmt.Sprintf(
				"transaction %s credits %s but pays no claim; further such credits of the player in the window %s are not listed",
				e.Transaction.ID, e.Transaction.Amount, j.window),
		})
	}
	return j.found
}

// judgement collects the anomalies of an entry.
type judgement struct {
	entry     Entry
	promotion uuid.UUID
	window    Window
	found     []Anomaly
}

// limit adds an anomaly of a player or a promotion if text is not empty. The text says which limit is exceeded.
func (j *judgement) limit(rule AnomalyRule, subject uuid.UUID, text string) {
	if text == "" {
		return
	}
	a := Anomaly{Rule: rule, Subject: subject, Detail: fmt.Sprintf("%s in the window %s", text, j.window)}
	switch rule {
	case AnomalyRulePlayerAmount, AnomalyRulePlayerCount:
		a.UserID = subject
	default:
		a.PromotionID = subject
	}
	j.add(a)
}

func (j *judgement) add(a Anomaly) {
	a.WindowStart = j.window.Start
	j.found = append(j.found, a)
}

func amountOver(amount, limit money.Amount) string {
	if limit == 0 || amount <= limit {
		return ""
	}
	return fmt.Sprintf("entries of %s exceed %s", amount, limit)
}

func countOver(count, limit int64) string {
	if limit == 0 || count <= limit {
		return ""
	}
	return fmt.Sprintf("%d entries exceed %d", count, limit)
}

// over returns the text of an anomaly if the credits in the window are far above the average of the earlier ones.
func (r ClaimRateRule) over(o Observation, w Window) string {
	count := o.Promotion.Entries
	if r.Factor == 0 || count < r.Minimum || o.Earlier.Since.IsZero() {
		return ""
	}
	windows := min(int64(r.History), int64(w.Start.Sub(o.Earlier.Since)/w.Length))
	if windows < MinEarlierWindows || count*windows <= r.Factor*o.Earlier.Entries {
		return ""
	}
	return fmt.Sprintf("%d credits exceed %d times the average of %.1f in the %d earlier windows",
		count, r.Factor, float64(o.Earlier.Entries)/float64(windows), windows)
}
