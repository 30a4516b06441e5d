package producer_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/entitytest"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/producer"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

func TestTransactionAdded(t *testing.T) {
	t.Parallel()
	for _, typ := range []users.TransactionType{users.TransactionTypeCredit, users.TransactionTypeDebit} {
		tx := users.Transaction{Type: typ}
		new(entitytest.Filler).Fill(t, &tx)
		e, err := producer.TransactionAdded(tx)
		if err != nil {
			t.Fatal(err)
		}
		if e.ID != tx.ID.String() || e.Topic != usersv1event.TransactionsTopic || e.Key != tx.UserID.String() ||
			!e.Time.Equal(tx.CreatedAt) || e.Source != "/loyalty/users" || e.Type != "loyalty.users.v1.TRANSACTION_ADDED" {
			t.Errorf("%s: got id %s, topic %s, key %s, time %s, source %s, type %s",
				typ, e.ID, e.Topic, e.Key, e.Time, e.Source, e.Type)
		}
		m, err := usersv1event.DecodeTransactionEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		want := &usersv1.TransactionEvent{
			Topic: "transactions", EventType: usersv1.TransactionEventType_TRANSACTION_ADDED, UserId: tx.UserID.String(),
			Transaction: wire.FromTransaction(tx), IdempotencyKey: tx.IdempotencyKey,
		}
		if !proto.Equal(m, want) {
			t.Errorf("%s: got payload %v, want %v", typ, m, want)
		}
	}
}
