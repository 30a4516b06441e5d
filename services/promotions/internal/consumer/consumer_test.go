package consumer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

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
	err        error
	registered []uuid.UUID
	changed    []promotions.Player
	repairs    int
}

func (s *fakeStore) RegisterPlayer(_ context.Context, _ string, r promotions.RegisterParams) error {
	s.registered = append(s.registered, r.Player)
	return s.err
}

func (s *fakeStore) SetPlayerActive(_ context.Context, _ string, p promotions.Player) error {
	s.changed = append(s.changed, p)
	return s.err
}

func (s *fakeStore) RepairClaimed(context.Context, uuid.UUID, promotions.Transaction, time.Time) error {
	s.repairs++
	return s.err
}

func TestUnknownEventTypesAreIgnored(t *testing.T) {
	t.Parallel()
	const key = "018f0000-0000-7000-8000-000000000001"
	s := promotions.New(&fakeStore{}, nil, time.Now)
	for name, e := range map[string]event.Event{
		"protobuf": {ContentType: event.ContentProtobuf, Data: []byte("\x10\x63\x1a\x24" + key)},
		"JSON":     {Data: []byte(`{"eventType":"SOMETHING_NEW","user_id":"` + key + `"}`)},
	} {
		for _, subscription := range []event.Subscription{consumer.Players(s), consumer.Transactions(s)} {
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
		if p.ID != player || p.IsActive != (tt.kind == activated) || p.StatusVersion != int64(tt.version) {
			t.Errorf("%s: stored %+v, want player %s with version %d", name, p, player, tt.version)
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

func TestOnlyCreditsAreProcessed(t *testing.T) {
	t.Parallel()
	store := &fakeStore{}
	s := promotions.New(store, nil, time.Now)
	for _, kind := range []usersv1.TransactionType{usersv1.TransactionType_DEBIT, 99} {
		if err := consumer.Transactions(s).Handler(t.Context(), transactionEvent(t, kind)); err != nil || store.repairs != 0 {
			t.Errorf("%s: got %v and %d repairs, want no error and no repair", kind, err, store.repairs)
		}
	}
	err := consumer.Transactions(s).Handler(t.Context(), transactionEvent(t, usersv1.TransactionType_TRANSACTION_TYPE_UNSPECIFIED))
	if !event.IsPermanent(err) {
		t.Errorf("without a type: got %v, want a permanent error", err)
	}
}

func TestFailedRepair(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err       error
		permanent bool
	}{
		"another amount":       {apperr.New(apperr.IdempotencyMismatch, "the amounts differ"), true},
		"database unavailable": {apperr.New(apperr.DependencyUnavailable, "the database cannot be reached"), false},
		"unexpected error":     {errors.New("unexpected"), false},
		"no error":             {nil, false},
	} {
		store := &fakeStore{err: tt.err}
		err := consumer.Transactions(promotions.New(store, nil, time.Now)).
			Handler(t.Context(), transactionEvent(t, usersv1.TransactionType_CREDIT))
		if !errors.Is(err, tt.err) || event.IsPermanent(err) != tt.permanent || store.repairs != 1 {
			t.Errorf("%s: got %v, permanent %t, after %d repairs, want %v, permanent %t, after 1",
				name, err, event.IsPermanent(err), store.repairs, tt.err, tt.permanent)
		}
	}
}
