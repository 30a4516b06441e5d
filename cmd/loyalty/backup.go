package main

import (
	"context"
	"fmt"
	"time"

	"github.com/casino-loyalty/loyalty/internal/backup"
	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/verify"
	notifications "github.com/casino-loyalty/loyalty/services/notifications/app"
	promotions "github.com/casino-loyalty/loyalty/services/promotions/app"
	users "github.com/casino-loyalty/loyalty/services/users/app"
)

type backupSettings struct {
	Users      usersDatabase
	Promotions promotionsDatabase
	Store      storeSettings
}

// runBackup dumps the databases into a directory.
func runBackup(ctx context.Context, c call) error {
	if err := c.flags("backup", 1, nil); err != nil {
		return err
	}
	if len(c.args) != 1 {
		return errUsage
	}
	settings, err := config.LoadWith[backupSettings](c.settings)
	if err != nil {
		return err
	}
	o := backup.Options{Users: string(settings.Users.URL), Promotions: string(settings.Promotions.URL), Dir: c.args[0]}
	names := "users and promotions"
	if s := settings.Store.config(); s.Kind == notifications.PostgreSQL {
		o.Notifications, names = s.URL, "users, promotions and notifications"
	}
	if err := backup.Run(ctx, o); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	fmt.Fprintf(c.stdout, "%s dumped into %s\n", names, o.Dir)
	if o.Notifications == "" {
		fmt.Fprintln(c.stdout, "notifications is in MongoDB: use the dump that mongodump wrote before this command")
	}
	return nil
}

// republish finds events that had no effect and appends them to the outboxes again. It skips events younger than delay,
// except changes of a player's status; see [verify.FindLost].
func republish(ctx context.Context, c call, delay time.Duration) error {
	settings, err := config.LoadWith[verifySettings](c.settings)
	if err != nil {
		return err
	}
	sources, closeAll, err := settings.open(ctx)
	defer closeAll()
	if err != nil {
		return err
	}
	lost, err := verify.FindLost(ctx, sources, verify.Options{Now: time.Now(), Delay: delay})
	if err != nil {
		return err
	}
	fromUsers, err := users.Republish(ctx, sources.Users, users.LostEvents{
		Registrations: lost.Registrations, Statuses: lost.Statuses, Transactions: lost.Transactions,
	})
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	fromPromotions, err := promotions.Republish(ctx, sources.Promotions, lost.Assignments)
	if err != nil {
		return fmt.Errorf("promotions: %w", err)
	}
	fmt.Fprintf(c.stdout, "%s appended to the outboxes: %s, %s, %s, %s\n",
		cli.Count(fromUsers+fromPromotions, "event", "events"),
		cli.Count(len(lost.Registrations), "registration", "registrations"),
		cli.Count(len(lost.Statuses), "change of a status", "changes of a status"),
		cli.Count(len(lost.Transactions), "transaction", "transactions"),
		cli.Count(len(lost.Assignments), "notification", "notifications"))
	return nil
}
