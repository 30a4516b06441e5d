package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/topics"
)

// runEvents lists the dead letters of a topic, or publishes them again for the consumers to handle.
func runEvents(ctx context.Context, c call) error {
	if err := c.flags("events", 2, nil); err != nil {
		return err
	}
	if len(c.args) != 2 {
		return errUsage
	}
	if !known(c.args[1]) {
		return fmt.Errorf("%w: there is no topic %q: there are %s", errUsage, c.args[1], strings.Join(topicNames(), ", "))
	}
	settings, err := config.LoadWith[busSettings](c.settings)
	if err != nil {
		return err
	}
	bus, err := settings.connect(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer bus.Close()
	switch topic := c.args[1]; c.args[0] {
	case "dead":
		none := true
		err := bus.DeadLetters(ctx, topic, func(d event.DeadLetter) error {
			none = false
			state := "waiting"
			if d.Replayed {
				state = "replayed"
			}
			_, err := fmt.Fprintf(c.stdout, "%s  %-8s  %s  key %s  group %s, %d attempts: %s\n",
				d.Time.UTC().Format(time.RFC3339), state, d.Event.ID, d.Event.Key, d.Group, d.Attempts, d.Reason)
			return err
		})
		if err == nil && none {
			fmt.Fprintf(c.stdout, "there are no dead letters of %s\n", topic)
		}
		return err
	case "replay":
		n, err := bus.Replay(ctx, topic)
		fmt.Fprintf(c.stdout, "%s of %s published again\n", cli.Count(n, "dead letter", "dead letters"), topic)
		return err
	}
	return errUsage
}

func topicNames() []string {
	var names []string
	for _, t := range topics.All() {
		names = append(names, t.Name)
	}
	return names
}

func known(topic string) bool {
	return slices.Contains(topicNames(), topic)
}
