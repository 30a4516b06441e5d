package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/topics"
)

// runEvents creates the topics, lists or replays the dead letters of a topic, publishes lost events again, or corrects the
// statuses of players that forged events have changed.
func runEvents(ctx context.Context, c call) error {
	var delay time.Duration
	err := c.flags("events", 2, func(set *flag.FlagSet) {
		cli.DurationVar(set, &delay, "delay", defaultDelay, 0,
			"with republish: minimum `age` of an event that had no effect and is published again")
	})
	if err != nil {
		return err
	}
	if len(c.args) == 1 {
		switch c.args[0] {
		case "topics":
			return createTopics(ctx, c)
		case "republish":
			return republish(ctx, c, delay)
		case "resync":
			return resync(ctx, c)
		}
	}
	if len(c.args) != 2 {
		return errUsage
	}
	if !isTopic(c.args[1]) {
		return fmt.Errorf("%w: unknown topic %q, want one of %s", errUsage, c.args[1], strings.Join(topicNames(), ", "))
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
		count, invalid := 0, 0
		err := bus.DeadLetters(ctx, topic, func(d event.DeadLetter) error {
			count++
			if d.Invalid != nil {
				invalid++
			}
			_, err := fmt.Fprintln(c.stdout, deadLetterLine(d))
			return err
		})
		if err == nil && count == 0 {
			fmt.Fprintf(c.stdout, "there are no dead letters of %s\n", topic)
		}
		if invalid > 0 {
			fmt.Fprintf(c.stdout, "%s of %s: a replay skips them\n",
				cli.Count(invalid, "invalid dead letter", "invalid dead letters"), topic)
		}
		return err
	case "replay":
		n, err := bus.Replay(ctx, topic)
		fmt.Fprintf(c.stdout, "%s of %s published again\n", cli.Count(n, "dead letter", "dead letters"), topic)
		return err
	}
	return errUsage
}

// createTopics creates the topics of the platform that do not exist.
func createTopics(ctx context.Context, c call) error {
	settings, err := config.LoadWith[busSettings](c.settings)
	if err != nil {
		return err
	}
	bus, err := settings.connect(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer bus.Close()
	if err := settings.createTopics(ctx, bus); err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "the topics exist: %s\n", strings.Join(topicNames(), ", "))
	return nil
}

// deadLetterLine returns one line that describes a dead letter. It escapes control characters and quotes ids, keys and
// groups that contain spaces, because producers choose these texts and must not be able to imitate another column.
func deadLetterLine(d event.DeadLetter) string {
	state, reason := "waiting", d.Reason
	switch {
	case d.Invalid != nil:
		state, reason = "invalid", d.Invalid.Error()
	case d.Replayed:
		state = "replayed"
	}
	return fmt.Sprintf("%s  %-8s  %s  key %s  group %s, %s: %s",
		d.Time.UTC().Format(time.RFC3339), state, quoteUnsafe(d.Event.ID), quoteUnsafe(d.Event.Key), quoteUnsafe(d.Group),
		cli.Count(d.Attempts, "attempt", "attempts"), escapeUnprintable(reason))
}

// maxText is the maximum length of a printed text, in bytes before escaping.
const maxText = 1 << 10

// quoteUnsafe returns s unchanged if it consists of printable characters without spaces, quotes and backslashes. Otherwise
// it returns s as a quoted Go string. It truncates s to maxText.
func quoteUnsafe(s string) string {
	unsafe := func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' || r == '"' || r == '\\' }
	switch {
	case len(s) > maxText:
		return strconv.Quote(s[:maxText]) + "..."
	case s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, unsafe):
		return strconv.Quote(s)
	}
	return s
}

// escapeUnprintable escapes the unprintable characters and the backslashes of s as in a Go string. It truncates s to
// maxText.
func escapeUnprintable(s string) string {
	if len(s) > maxText {
		return escapeUnprintable(s[:maxText]) + "..."
	}
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

func topicNames() []string {
	var names []string
	for _, t := range topics.All() {
		names = append(names, t.Name)
	}
	return names
}

func isTopic(topic string) bool {
	return slices.Contains(topicNames(), topic)
}
