package consumer_test

import (
	"context"
	"errors"
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

// store answers repairs with err and counts what it is asked; it has nothing else.
type store struct {
	promotions.Store
	err     error
	repairs int
}

func (s *store) RepairClaimed(context.Context, uuid.UUID, promotions.Transaction, time.Time) error {
	s.repairs++
	return s.err
}

// A kind of event that a newer users service publishes is passed over, in each form in which it can come.
func TestUnknownKindsArePassedOver(t *testing.T) {
	t.Parallel()
	const key = "018f0000-0000-7000-8000-000000000001"
	s := promotions.New(&store{}, nil, time.Now)
	for name, e := range map[string]event.Event{
		"protobuf": {ContentType: event.ContentProtobuf, Data: []byte("\x10\x63\x1a\x24" + key)},
		"JSON":     {Data: []byte(`{"eventType":"SOMETHING_NEW","user_id":"` + key + `"}`)},
	} {
		for _, subscription := range []event.Subscription{consumer.Players(s), consumer.Transactions(s)} {
			if err := subscription.Handler(t.Context(), e); err != nil {
				t.Errorf("%s on %s: %v", name, subscription.Topic, err)
			}
		}
	}
}

// transaction returns the event of an entry of the ledger.
func transaction(t *testing.T, kind usersv1.TransactionType) event.Event {
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

func TestOtherTransactionsArePassedOver(t *testing.T) {
	t.Parallel()
	s := promotions.New(&store{}, nil, time.Now)
	for _, kind := range []usersv1.TransactionType{usersv1.TransactionType_DEBIT, 99} {
		if err := consumer.Transactions(s).Handler(t.Context(), transaction(t, kind)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	err := consumer.Transactions(s).Handler(t.Context(), transaction(t, usersv1.TransactionType_TRANSACTION_TYPE_UNSPECIFIED))
	if !event.IsPermanent(err) {
		t.Errorf("one without a type: %v, want a permanent error", err)
	}
}

// A credit that is not its assignment's stays so however often it is tried; a database that is away comes back.
func TestFailedRepairs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err       error
		permanent bool
	}{
		"not the assignment's": {apperr.New(apperr.IdempotencyMismatch, "the amounts differ"), true},
		"no database":          {apperr.New(apperr.DependencyUnavailable, "the database cannot be reached"), false},
		"something else":       {errors.New("something else"), false},
		"none":                 {nil, false},
	} {
		db := &store{err: tt.err}
		err := consumer.Transactions(promotions.New(db, nil, time.Now)).
			Handler(t.Context(), transaction(t, usersv1.TransactionType_CREDIT))
		if !errors.Is(err, tt.err) || event.IsPermanent(err) != tt.permanent || db.repairs != 1 {
			t.Errorf("%s: %v, permanent: %t, after %d repairs", name, err, event.IsPermanent(err), db.repairs)
		}
	}
}
