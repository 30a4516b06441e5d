package outbox_test

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
)

// fakeTx prints the first word of each statement.
type fakeTx struct{}

func (fakeTx) Exec(_ context.Context, sql string, _ ...any) (pgconn.CommandTag, error) {
	var word string
	_, err := fmt.Sscan(sql, &word)
	fmt.Println(word)
	return pgconn.CommandTag{}, err
}

// A transaction changes a row and appends the event about it. Both become visible when the transaction commits. After the
// commit, relay.Wake publishes the event without waiting for the next poll.
func ExampleAppend() {
	ctx := context.Background()
	var tx fakeTx // a pgx.Tx
	if _, err := tx.Exec(ctx, "update players set name = $1 where id = $2", "Ada", 7); err != nil {
		fmt.Println(err)
		return
	}
	renamed := event.Event{
		ID:          uuid.Must(uuid.NewV7()).String(),
		Source:      "/loyalty/users",
		Type:        "loyalty.users.v1.PLAYER_RENAMED",
		Topic:       "players",
		Key:         "7",
		Time:        time.Now(),
		ContentType: event.ContentJSON,
		Data:        []byte(`{"name":"Ada"}`),
	}
	if err := outbox.Append(ctx, tx, renamed); err != nil {
		fmt.Println(err)
	}
	// Output:
	// update
	// insert
}
