package consumer_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/consumer"
)

// fakeStore records calls. Each method returns err.
type fakeStore struct {
	promotions.Store
	promotions.MonitorStore
	err        error
	registered []uuid.UUID
	changed    []promotions.Player
	// restrictions are those of the last change.
	restrictions []promotions.PlayerRestriction
	recorded     []promotions.RecordParams
	assignment   *promotions.PaidAssignment
}

func (s *fakeStore) RegisterPlayer(_ context.Context, _ string, r promotions.RegisterParams) error {
	s.registered = append(s.registered, r.Player)
	return s.err
}

func (s *fakeStore) SetPlayerStatus(
	_ context.Context, _ string, p promotions.Player, restrictions []promotions.PlayerRestriction,
) error {
	s.changed, s.restrictions = append(s.changed, p), restrictions
	return s.err
}

func (s *fakeStore) RecordEntry(_ context.Context, r promotions.RecordParams) (promotions.Recorded, error) {
	s.recorded = append(s.recorded, r)
	return promotions.Recorded{Assignment: s.assignment}, s.err
}

// newMonitor returns a monitor on a fake store.
func newMonitor(s *fakeStore) *promotions.Monitor {
	return promotions.NewMonitor(s, nil, promotions.DefaultAnomalyRules(), nil, time.Now)
}

func TestUnknownEventTypesAreIgnored(t *testing.T) {
	t.Parallel()
	const key = "018f0000-0000-7000-8000-000000000001"
	store := &fakeStore{}
	s := promotions.New(store, nil, time.Now)
	for name, e := range map[string]event.Event{
		"protobuf": {ContentType: event.ContentProtobuf, Data: []byte("\x10\x63\x1a\x24" + key)},
		"JSON":     {Data: []byte(`{"eventType":"SOMETHING_NEW","user_id":"` + key + `"}`)},
	} {
		for _, subscription := range []event.Subscription{consumer.Players(s), consumer.Transactions(newMonitor(store))} {
			if err := subscription.Handler(t.Context(), e); err != nil {
				t.Errorf("%s on %s: got %v, want no error", name, subscription.Topic, err)
			}
		}
	}
}

// playerEvent returns an event about a player.
func playerEvent(t *testing.T, m *usersv1.PlayerEvent) event.Event {
	t.Helper()
	e, err := usersv1event.NewPlayerEvent(uuid.New(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), m)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestRegistrationStoresThePlayer(t *testing.T) {
	t.Parallel()
	store, player := &fakeStore{}, uuid.New()
	err := consumer.Players(promotions.New(store, nil, time.Now)).Handler(t.Context(), playerEvent(t, &usersv1.PlayerEvent{
		EventType: usersv1.PlayerEventType_PLAYER_REGISTERED, UserId: player.String(),
	}))
	if err != nil || len(store.registered) != 1 || store.registered[0] != player || len(store.changed) != 0 {
		t.Errorf("got %v, registered %v and changed %v, want player %s registered", err, store.registered, store.changed, player)
	}
}

func TestStatusChangesNeedAVersion(t *testing.T) {
	t.Parallel()
	const deactivated, activated = usersv1.PlayerEventType_PLAYER_DEACTIVATED, usersv1.PlayerEventType_PLAYER_ACTIVATED
	for name, tt := range map[string]struct {
		kind    usersv1.PlayerEventType
		version int32
		valid   bool
	}{
		"deactivation":                         {deactivated, 1, true},
		"activation":                           {activated, 2, true},
		"deactivation without a version":       {deactivated, 0, false},
		"activation without a version":         {activated, 0, false},
		"deactivation with a negative version": {deactivated, -1, false},
		"greatest version":                     {deactivated, math.MaxInt32, true},
	} {
		store, player := &fakeStore{}, uuid.New()
		err := consumer.Players(promotions.New(store, nil, time.Now)).Handler(t.Context(), playerEvent(t, &usersv1.PlayerEvent{
			EventType: tt.kind, UserId: player.String(), StatusVersion: tt.version,
		}))
		if !tt.valid {
			if !event.IsPermanent(err) || !strings.Contains(err.Error(), "statusVersion") || len(store.changed) != 0 {
				t.Errorf("%s: got %v and %d changes, want a permanent error that names statusVersion", name, err, len(store.changed))
			}
			continue
		}
		if err != nil || len(store.changed) != 1 {
			t.Errorf("%s: got %v and %d changes, want one change", name, err, len(store.changed))
			continue
		}
		p := store.changed[0]
		if p.ID != player || p.IsActive != (tt.kind == activated) || p.StatusVersion != int64(tt.version) || p.RestrictionsVersion != 0 {
			t.Errorf("%s: stored %+v, want player %s with version %d", name, p, player, tt.version)
		}
	}
}

// TestRestrictions sends each type of event with a status.
func TestRestrictions(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	const deactivated, activated = usersv1.PlayerEventType_PLAYER_DEACTIVATED, usersv1.PlayerEventType_PLAYER_ACTIVATED
	const restricted, unrestricted = usersv1.PlayerEventType_PLAYER_RESTRICTED, usersv1.PlayerEventType_PLAYER_UNRESTRICTED
	restriction := func(kind usersv1.RestrictionKind, until time.Time, own bool) *usersv1.PlayerRestriction {
		r := &usersv1.PlayerRestriction{Kind: kind, ByPlayer: own}
		if !until.IsZero() {
			r.Until = timestamppb.New(until)
		}
		return r
	}
	status := func(active bool, all ...*usersv1.PlayerRestriction) *usersv1.PlayerStatus {
		return &usersv1.PlayerStatus{IsActive: active, Restrictions: all}
	}
	coolOff := restriction(usersv1.RestrictionKind_COOL_OFF, until, true)
	abuse := restriction(usersv1.RestrictionKind_BONUS_ABUSE, time.Time{}, false)
	optOut := restriction(usersv1.RestrictionKind_MARKETING_OPT_OUT, until.AddDate(1, 0, 0), true)
	for name, tt := range map[string]struct {
		kind           usersv1.PlayerEventType
		status         *usersv1.PlayerStatus
		active         bool
		refused, muted int64
		stored         int
		permanent      string
	}{
		"restricted":                  {restricted, status(true, coolOff), true, until.UnixMicro(), until.UnixMicro(), 1, ""},
		"restricted without an end":   {restricted, status(true, abuse, coolOff), true, math.MaxInt64, math.MaxInt64, 2, ""},
		"opted out":                   {restricted, status(true, optOut, coolOff), true, until.UnixMicro(), until.AddDate(1, 0, 0).UnixMicro(), 2, ""},
		"restricted while inactive":   {restricted, status(false, abuse), false, math.MaxInt64, math.MaxInt64, 1, ""},
		"unrestricted":                {unrestricted, status(true), true, 0, 0, 0, ""},
		"deactivated":                 {deactivated, status(false, abuse), false, math.MaxInt64, math.MaxInt64, 1, ""},
		"activated":                   {activated, status(true, abuse), true, math.MaxInt64, math.MaxInt64, 1, ""},
		"a kind of a newer release":   {restricted, status(true, restriction(99, time.Time{}, false), coolOff), true, until.UnixMicro(), until.UnixMicro(), 1, ""},
		"a kind from either side":     {restricted, status(true, abuse, restriction(usersv1.RestrictionKind_BONUS_ABUSE, until, true)), true, math.MaxInt64, math.MaxInt64, 2, ""},
		"restricted without a status": {kind: restricted, permanent: "status"},
		"a kind twice":                {kind: restricted, status: status(true, abuse, abuse), permanent: "status.restrictions[1]"},
		"no kind":                     {kind: restricted, status: status(true, restriction(0, until, false)), permanent: "status.restrictions[0].kind"},
		"no timestamp": {kind: restricted, status: status(true, abuse, &usersv1.PlayerRestriction{
			Kind: usersv1.RestrictionKind_COOL_OFF, Until: &timestamppb.Timestamp{Nanos: -1},
		}), permanent: "until"},
	} {
		store, player := &fakeStore{}, uuid.New()
		err := consumer.Players(promotions.New(store, nil, time.Now)).Handler(t.Context(), playerEvent(t, &usersv1.PlayerEvent{
			EventType: tt.kind, UserId: player.String(), StatusVersion: 7, Status: tt.status,
		}))
		if tt.permanent != "" {
			if !event.IsPermanent(err) || !strings.Contains(err.Error(), tt.permanent) || len(store.changed) != 0 {
				t.Errorf("%s: got %v and %d changes, want a permanent error that names %s", name, err, len(store.changed), tt.permanent)
			}
			continue
		}
		if err != nil || len(store.changed) != 1 || len(store.restrictions) != tt.stored {
			t.Errorf("%s: got %v, %d changes and the restrictions %v, want one and %d", name, err, len(store.changed), store.restrictions, tt.stored)
			continue
		}
		p := store.changed[0]
		if p.ID != player || p.IsActive != tt.active || p.StatusVersion != 7 || p.RestrictionsVersion != 7 ||
			p.PromotionsRefusedUntil != tt.refused || p.PromotionsMutedUntil != tt.muted {
			t.Errorf("%s: stored %+v, want active %t, refused until %d and muted until %d", name, p, tt.active, tt.refused, tt.muted)
		}
		for _, r := range store.restrictions {
			if r.UserID != player {
				t.Errorf("%s: stored %+v, want a restriction of player %s", name, r, player)
			}
		}
	}
}

func TestMalformedPlayerIDIsPermanent(t *testing.T) {
	t.Parallel()
	e := event.Event{Data: []byte(`{"eventType":"PLAYER_REGISTERED","user_id":"17"}`)}
	err := consumer.Players(promotions.New(&fakeStore{}, nil, time.Now)).Handler(t.Context(), e)
	if !event.IsPermanent(err) || !strings.Contains(err.Error(), "user_id") {
		t.Errorf("got %v, want a permanent error that names user_id", err)
	}
}

// transactionEvent returns the event of a transaction.
func transactionEvent(t *testing.T, kind usersv1.TransactionType) event.Event {
	t.Helper()
	player := uuid.NewString()
	e, err := usersv1event.NewTransactionEvent(uuid.New(), time.Now(), &usersv1.TransactionEvent{
		EventType: usersv1.TransactionEventType_TRANSACTION_ADDED, UserId: player, IdempotencyKey: uuid.NewString(),
		Transaction: &usersv1.Transaction{
			Id: uuid.NewString(), UserId: player, Type: kind, Amount: "5.00", BalanceAfter: "5.00",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEntryTypes(t *testing.T) {
	t.Parallel()
	for kind, want := range map[usersv1.TransactionType]struct {
		recorded   int
		assignment bool // the key can be the id of an assignment
		permanent  bool
	}{
		usersv1.TransactionType_CREDIT:                       {recorded: 1, assignment: true},
		usersv1.TransactionType_DEBIT:                        {recorded: 1},
		usersv1.TransactionType_TRANSACTION_TYPE_UNSPECIFIED: {permanent: true},
		99: {},
	} {
		store := &fakeStore{}
		err := consumer.Transactions(newMonitor(store)).Handler(t.Context(), transactionEvent(t, kind))
		if event.IsPermanent(err) != want.permanent || (err != nil) != want.permanent || len(store.recorded) != want.recorded {
			t.Errorf("%s: got %v and %d entries, want %+v", kind, err, len(store.recorded), want)
			continue
		}
		for _, r := range store.recorded {
			if (r.Assignment != uuid.Nil) != want.assignment || r.EventID == "" || r.Window.Start.IsZero() {
				t.Errorf("%s: recorded %+v", kind, r)
			}
		}
	}
}

func TestFailedEntry(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		store     fakeStore
		code      apperr.Code
		permanent bool
	}{
		"another amount":       {fakeStore{assignment: &promotions.PaidAssignment{Amount: 1}}, apperr.IdempotencyMismatch, true},
		"database unavailable": {fakeStore{err: apperr.New(apperr.DependencyUnavailable, "the database cannot be reached")}, apperr.DependencyUnavailable, false},
		"unexpected error":     {fakeStore{err: errors.New("unexpected")}, apperr.Internal, false},
		"no assignment":        {fakeStore{}, "", false},
	} {
		err := consumer.Transactions(newMonitor(&tt.store)).Handler(t.Context(), transactionEvent(t, usersv1.TransactionType_CREDIT))
		if apperr.CodeOf(err) != tt.code || event.IsPermanent(err) != tt.permanent || len(tt.store.recorded) != 1 {
			t.Errorf("%s: got %v, permanent %t, after %d entries", name, err, event.IsPermanent(err), len(tt.store.recorded))
		}
	}
}

// TestInvalidTransactionsArePermanent sends transactions that the ledger does not publish.
func TestInvalidTransactionsArePermanent(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*usersv1.TransactionEvent)
		want   string
	}{
		"negative amount":        {func(m *usersv1.TransactionEvent) { m.Transaction.Amount = "-5" }, "transaction.amount"},
		"amount of zero":         {func(m *usersv1.TransactionEvent) { m.Transaction.Amount = "0.00" }, "transaction.amount: the minimum is 0.01"},
		"huge amount":            {func(m *usersv1.TransactionEvent) { m.Transaction.Amount = "1000000000.01" }, "transaction.amount: the maximum"},
		"exponent":               {func(m *usersv1.TransactionEvent) { m.Transaction.Amount = "1e9" }, "transaction.amount"},
		"negative balance":       {func(m *usersv1.TransactionEvent) { m.Transaction.BalanceAfter = "-1.00" }, "transaction.balanceAfter"},
		"bidirectional override": {func(m *usersv1.TransactionEvent) { m.Transaction.Description = "a\u202eb" }, "transaction.description: the character U+202E"},
		"control character":      {func(m *usersv1.TransactionEvent) { m.Transaction.Description = "a\x1b[2J" }, "transaction.description"},
		"another player":         {func(m *usersv1.TransactionEvent) { m.Transaction.UserId = uuid.NewString() }, "transaction.user_id: must equal user_id"},
		"no player":              {func(m *usersv1.TransactionEvent) { m.Transaction.UserId = "17" }, "transaction.user_id"},
		"no id":                  {func(m *usersv1.TransactionEvent) { m.Transaction.Id = "" }, "transaction.id"},
	} {
		player, store := uuid.NewString(), &fakeStore{}
		m := &usersv1.TransactionEvent{
			EventType: usersv1.TransactionEventType_TRANSACTION_ADDED, UserId: player, IdempotencyKey: "key",
			Transaction: &usersv1.Transaction{
				Id: uuid.NewString(), UserId: player, Type: usersv1.TransactionType_CREDIT, Amount: "5.00", BalanceAfter: "5.00",
			},
		}
		tt.change(m)
		e, err := usersv1event.NewTransactionEvent(uuid.New(), time.Now(), m)
		if err != nil {
			t.Fatal(err)
		}
		err = consumer.Transactions(newMonitor(store)).Handler(t.Context(), e)
		if !event.IsPermanent(err) || !strings.Contains(err.Error(), tt.want) || len(store.recorded) > 0 {
			t.Errorf("%s: got %v and %d entries, want a permanent error with %q", name, err, len(store.recorded), tt.want)
		}
	}
}
