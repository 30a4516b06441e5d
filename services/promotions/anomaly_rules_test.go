package promotions_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// judgeStore passes one observation to the rules and stores every anomaly.
type judgeStore struct {
	promotions.MonitorStore
	observation promotions.Observation
	params      promotions.RecordParams
}

func (s *judgeStore) RecordEntry(_ context.Context, r promotions.RecordParams) (promotions.Recorded, error) {
	s.params = r
	found, err := r.Judge(s.observation)
	return promotions.Recorded{Assignment: s.observation.Assignment, Anomalies: found}, err
}

// noon is the time of the monitor and of the entries under test.
func noon() time.Time { return time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC) }

// record passes an entry to a monitor. It returns the anomalies.
func record(t *testing.T, s *judgeStore, rules promotions.AnomalyRules, e promotions.Entry) []promotions.Anomaly {
	t.Helper()
	var found []promotions.Anomaly
	alert := func(_ context.Context, a promotions.Anomaly) { found = append(found, a) }
	if err := promotions.NewMonitor(s, nil, rules, alert, noon).TransactionAdded(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return found
}

func credit(at time.Time) promotions.Entry {
	return promotions.Entry{EventID: "event", Key: uuid.NewString(), At: at, Transaction: promotions.Transaction{
		ID: uuid.New(), UserID: uuid.New(), Type: promotions.TransactionTypeCredit, Amount: 500,
		AdditionalData: map[string]any{"promotionId": uuid.NewString()},
	}}
}

func TestAnomalyRules(t *testing.T) {
	t.Parallel()
	rules := promotions.AnomalyRules{
		Window: time.Hour, PlayerAmount: 1000, PlayerCount: 3, PromotionAmount: 5000, PromotionCount: 40,
		CreditWithoutClaim: true, ClaimRate: promotions.ClaimRateRule{Factor: 10, Minimum: 20, History: 24},
	}
	player := func(entries int64, amount money.Amount) promotions.Observation {
		return promotions.Observation{Player: promotions.WindowTotals{Entries: entries, Amount: amount}}
	}
	promotion := func(entries int64, amount money.Amount) promotions.Observation {
		return promotions.Observation{Promotion: promotions.WindowTotals{Entries: entries, Amount: amount}}
	}
	rate := func(now, earlier int64, windows int) promotions.Observation {
		return promotions.Observation{
			Promotion: promotions.WindowTotals{Entries: now},
			Earlier:   promotions.EarlierTotals{Entries: earlier, Since: noon().Add(-time.Duration(windows) * time.Hour)},
		}
	}
	for name, tt := range map[string]struct {
		o    promotions.Observation
		want promotions.AnomalyRule
	}{
		"player's amount at the limit":          {player(1, 1000), ""},
		"player's amount above the limit":       {player(1, 1001), promotions.AnomalyRulePlayerAmount},
		"player's count at the limit":           {player(3, 1), ""},
		"player's count above the limit":        {player(4, 1), promotions.AnomalyRulePlayerCount},
		"promotion's amount at the limit":       {promotion(1, 5000), ""},
		"promotion's amount above the limit":    {promotion(1, 5001), promotions.AnomalyRulePromotionAmount},
		"promotion's count at the limit":        {promotion(40, 1), ""},
		"promotion's count above the limit":     {promotion(41, 1), promotions.AnomalyRulePromotionCount},
		"rate at the limit":                     {rate(20, 6, 3), ""},
		"rate above the limit":                  {rate(21, 6, 3), promotions.AnomalyRuleClaimRate},
		"rate above the limit in a long past":   {rate(25, 59, 24), promotions.AnomalyRuleClaimRate},
		"rate at the limit in a long past":      {rate(25, 60, 24), ""},
		"rate below the minimum":                {rate(19, 3, 3), ""},
		"rate at the minimum":                   {rate(20, 3, 3), promotions.AnomalyRuleClaimRate},
		"rate of a promotion with a short past": {rate(40, 1, 2), ""},
		"rate of a promotion without a past":    {promotion(40, 1), ""},
	} {
		e := credit(noon())
		tt.o.Assignment = &promotions.PaidAssignment{UserID: e.Transaction.UserID, Amount: 500, TransactionID: e.Transaction.ID}
		found := record(t, &judgeStore{observation: tt.o}, rules, e)
		if tt.want == "" && len(found) > 0 || tt.want != "" && (len(found) != 1 || found[0].Rule != tt.want) {
			t.Errorf("%s: found %+v, want %q", name, found, tt.want)
		}
		for _, a := range found {
			ofPlayer := strings.HasPrefix(string(a.Rule), "PLAYER_")
			if (a.UserID == e.Transaction.UserID) != ofPlayer || (a.PromotionID == uuid.Nil) != ofPlayer || a.ID == uuid.Nil ||
				!a.CreatedAt.Equal(noon()) || !strings.Contains(a.Detail, "2026-03-10T12:00:00Z to 2026-03-10T13:00:00Z") {
				t.Errorf("%s: found %+v", name, a)
			}
		}
		if off := record(t, &judgeStore{observation: tt.o}, promotions.AnomalyRules{Window: time.Hour}, e); len(off) > 0 {
			t.Errorf("%s: found %+v although all rules are off", name, off)
		}
	}
}

// A credit is reported unless the assignment with its key has its player, its amount and its transaction.
func TestCreditWithoutClaim(t *testing.T) {
	t.Parallel()
	e := credit(noon())
	paid := promotions.PaidAssignment{UserID: e.Transaction.UserID, Amount: e.Transaction.Amount, TransactionID: e.Transaction.ID}
	change := func(change func(*promotions.PaidAssignment)) *promotions.PaidAssignment {
		p := paid
		change(&p)
		return &p
	}
	debit := e
	debit.Transaction.Type = promotions.TransactionTypeDebit
	reversal := e
	reversal.Transaction.Reverses = uuid.New()
	for name, tt := range map[string]struct {
		entry      promotions.Entry
		assignment *promotions.PaidAssignment
		found      bool
	}{
		"paid":                {e, &paid, false},
		"no assignment":       {e, nil, true},
		"another player":      {e, change(func(p *promotions.PaidAssignment) { p.UserID = uuid.New() }), true},
		"another amount":      {e, change(func(p *promotions.PaidAssignment) { p.Amount++ }), true},
		"another transaction": {e, change(func(p *promotions.PaidAssignment) { p.TransactionID = uuid.New() }), true},
		"debit":               {debit, nil, false},
		"reversal of a debit": {reversal, nil, false},
	} {
		s := &judgeStore{observation: promotions.Observation{Assignment: tt.assignment}}
		var found []promotions.Anomaly
		alert := func(_ context.Context, a promotions.Anomaly) { found = append(found, a) }
		err := promotions.NewMonitor(s, nil, promotions.DefaultAnomalyRules(), alert, noon).TransactionAdded(t.Context(), tt.entry)
		mismatch := tt.found && tt.assignment != nil
		if (err != nil) != mismatch || (len(found) == 1) != tt.found {
			t.Errorf("%s: found %+v and %v", name, found, err)
		}
		if tt.found && (found[0].Rule != promotions.AnomalyRuleCreditWithoutClaim || found[0].UserID != e.Transaction.UserID ||
			found[0].PromotionID == uuid.Nil || !strings.Contains(found[0].Detail, e.Transaction.ID.String())) {
			t.Errorf("%s: found %+v", name, found[0])
		}
	}
}

func TestWindowOfAnEntry(t *testing.T) {
	t.Parallel()
	rules := promotions.DefaultAnomalyRules()
	for name, tt := range map[string]struct {
		at   time.Time
		want string // the start of the window, or empty if the entry is not counted
	}{
		"now":              {noon(), "2026-03-10T12:00:00Z"},
		"end of a window":  {noon().Add(-time.Nanosecond), "2026-03-10T11:00:00Z"},
		"late":             {noon().Add(-24 * time.Hour), "2026-03-09T12:00:00Z"},
		"too late":         {noon().Add(-24*time.Hour - 1), ""},
		"clock ahead":      {noon().Add(24 * time.Hour), "2026-03-11T12:00:00Z"},
		"clock far ahead":  {noon().Add(24*time.Hour + 1), ""},
		"no time":          {time.Time{}, "2026-03-10T12:00:00Z"},
		"other time zone":  {noon().In(time.FixedZone("", 5400)), "2026-03-10T12:00:00Z"},
		"beginning of all": {time.Time{}.Add(1), ""},
	} {
		s := &judgeStore{}
		record(t, s, rules, credit(tt.at))
		got := ""
		if w := s.params.Window; w != (promotions.Window{}) {
			got = w.Start.Format(time.RFC3339Nano)
			if w.Length != time.Hour || !s.params.EarlierFrom.Equal(w.Start.Add(-24*time.Hour)) {
				t.Errorf("%s: the parameters are %+v", name, s.params)
			}
		}
		if got != tt.want {
			t.Errorf("%s: the window starts at %q, want %q", name, got, tt.want)
		}
	}
}

// Only the canonical form of a UUID is the key of a claim. The same id in another form is another key of the ledger.
func TestKeysOfAssignments(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("01890000-0000-7000-8000-00000000000a")
	for _, key := range []string{id.String(), strings.ToUpper(id.String()), "urn:uuid:" + id.String(), "{" + id.String() + "}", "correction-7", ""} {
		s := &judgeStore{}
		e := credit(noon())
		e.Key = key
		found := record(t, s, promotions.DefaultAnomalyRules(), e)
		want := uuid.Nil
		if key == id.String() {
			want = id
		}
		if s.params.Assignment != want || len(found) != 1 {
			t.Errorf("key %q: assignment %s and %d anomalies, want %s and one", key, s.params.Assignment, len(found), want)
		}
	}
}

func TestPromotionOfAnEntry(t *testing.T) {
	t.Parallel()
	for _, data := range []map[string]any{nil, {"promotionId": 5}, {"promotionId": "5"}, {"promotionId": nil}} {
		s := &judgeStore{}
		e := credit(noon())
		e.Transaction.AdditionalData = data
		if record(t, s, promotions.DefaultAnomalyRules(), e); s.params.Promotion != uuid.Nil {
			t.Errorf("%v: the promotion is %s, want none", data, s.params.Promotion)
		}
	}
	s := &judgeStore{}
	if record(t, s, promotions.DefaultAnomalyRules(), credit(noon())); s.params.Promotion == uuid.Nil {
		t.Error("a credit for a promotion is not counted for the promotion")
	}
}

func TestRetentionCoversAllReadWindows(t *testing.T) {
	t.Parallel()
	rules := promotions.DefaultAnomalyRules()
	oldest := noon().Add(-24 * time.Hour) // the oldest entry that is counted
	s := &judgeStore{}
	record(t, s, rules, credit(oldest))
	if kept := noon().Add(-rules.KeepPlayers()); s.params.Window.Start.Before(kept) {
		t.Errorf("windows of players are kept since %s, but %s is counted", kept, s.params.Window.Start)
	}
	if kept := noon().Add(-rules.KeepPromotions()); s.params.EarlierFrom.Before(kept) {
		t.Errorf("windows of promotions are kept since %s, but %s is read", kept, s.params.EarlierFrom)
	}
}
