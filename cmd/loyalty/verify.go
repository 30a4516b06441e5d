package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/verify"
	notifications "github.com/casino-loyalty/loyalty/services/notifications/app"
)

type verifySettings struct {
	Users      usersDatabase
	Promotions promotionsDatabase
	LedgerKeys ledgerKeySettings
	Store      storeSettings
	Bus        busSettings
}

// defaultDelay is the default repair delay; see [verify.Options].
const defaultDelay = 30 * time.Second

// runVerify checks the invariants across all databases. It returns an error if an invariant is violated.
func runVerify(ctx context.Context, c call) error {
	o := verify.Options{Now: time.Now()}
	var expected int
	err := c.flags("verify", 0, func(set *flag.FlagSet) {
		cli.DurationVar(set, &o.Delay, "delay", defaultDelay, 0, "minimum `age` of unfinished work that counts as a violation")
		cli.IntVar(set, &expected, "dead-letters", 0, 0, math.MaxInt32, "maximum `number` of dead letters that is not a violation")
	})
	if err != nil {
		return err
	}
	o.DeadLetters = int64(expected)
	settings, err := config.LoadWith[verifySettings](c.settings)
	if err != nil {
		return err
	}
	sources, closeAll, err := settings.open(ctx)
	defer closeAll()
	if err != nil {
		return err
	}
	violations, err := verify.Run(ctx, sources, o, c.stdout)
	if err == nil && violations > 0 {
		err = errors.New("invariants violated, see above")
	}
	return err
}

// open connects to the databases and the bus. The caller must call closeAll, even after an error.
func (s verifySettings) open(ctx context.Context) (sources verify.Sources, closeAll func(), err error) {
	var closers []func()
	closeAll = func() {
		for _, c := range slices.Backward(closers) {
			c()
		}
	}
	sources.LedgerKeys = s.LedgerKeys.keys()
	options := postgres.Options{ApplicationName: "verify"}
	if sources.Users, err = postgres.Open(ctx, string(s.Users.URL), options); err != nil {
		return sources, closeAll, fmt.Errorf("users: %w", err)
	}
	closers = append(closers, sources.Users.Close)
	if sources.Promotions, err = postgres.Open(ctx, string(s.Promotions.URL), options); err != nil {
		return sources, closeAll, fmt.Errorf("promotions: %w", err)
	}
	closers = append(closers, sources.Promotions.Close)
	bus, err := s.Bus.connect(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return sources, closeAll, err
	}
	closers = append(closers, bus.Close)
	sources.DeadLetters = func(ctx context.Context) (map[string]int64, error) { return deadLetters(ctx, bus) }
	store, err := notifications.OpenStore(ctx, s.Store.config(), nil)
	if err != nil {
		return sources, closeAll, fmt.Errorf("notifications: %w", err)
	}
	closers = append(closers, func() { _ = store.Close(context.WithoutCancel(ctx)) })
	sources.Notifications = func(ctx context.Context, yield func(verify.Notification) error) error {
		return store.Walk(ctx, func(e notifications.Entry) error {
			return yield(verify.Notification{UserID: e.UserID, Seq: e.Seq, Type: e.Type, ContentID: e.ContentID})
		})
	}
	return sources, closeAll, nil
}

// deadLetters returns the number of dead letters of each topic, or verify.NoTopic.
func deadLetters(ctx context.Context, queue event.DeadLetterQueue) (map[string]int64, error) {
	depths := map[string]int64{}
	for _, topic := range topicNames() {
		n, err := queue.Depth(ctx, topic)
		switch {
		case errors.Is(err, event.ErrNoTopic):
			n = verify.NoTopic
		case err != nil:
			return nil, err
		}
		depths[topic] = n
	}
	return depths, nil
}
