package event_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// errTimeout stands for an error that a retry may fix.
var errTimeout = errors.New("request timed out")

// A handler returns nil for a handled event, an error for a retry, and an error marked by Permanent for a dead letter.
func ExampleSubscription() {
	calls := 0
	subscription := event.Subscription{
		Group: "greetings",
		Topic: "players",
		Handler: func(_ context.Context, e event.Event) error {
			var player struct{ Name string }
			if err := json.Unmarshal(e.Data, &player); err != nil {
				return event.Permanentf("decode the player: %w", err) // a retry cannot help
			}
			if calls++; calls == 1 {
				return errTimeout // the event is delivered again
			}
			fmt.Println("welcome,", player.Name)
			return nil
		},
		Retry: event.Retry{Initial: time.Millisecond},
	}

	// A driver passes each event to Deliver. Services call bus.Subscribe(ctx, subscription) instead.
	ctx := context.Background()
	for _, data := range []string{`{"name":"Ada"}`, "not JSON"} {
		e := event.Event{ID: "1", Topic: "players", Data: []byte(data)}
		err := subscription.Deliver(ctx, ctx, slog.New(slog.DiscardHandler), e)
		fmt.Println("result:", err)
	}
	// Output:
	// welcome, Ada
	// result: <nil>
	// result: gave up after 1 attempts: decode the player: invalid character 'o' in literal null (expecting 'u')
}
