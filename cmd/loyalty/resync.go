package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	promotions "github.com/casino-loyalty/loyalty/services/promotions/app"
	users "github.com/casino-loyalty/loyalty/services/users/app"
)

type resyncSettings struct {
	Users      usersDatabase
	Promotions promotionsDatabase
}

// resyncBatch is the number of players that resync compares at once.
const resyncBatch = 1000

// resync corrects the statuses of players in promotions that cannot come from users, such as those of forged events, and
// restrictions that differ from those of users. It then
// publishes the statuses of the corrected players again: a player may have changed since the command read the status, and
// promotions has ignored the event because of the forged version. If the process dies in between, loyalty events republish
// finds these players. The command can be repeated.
func resync(ctx context.Context, c call) error {
	settings, err := config.LoadWith[resyncSettings](c.settings)
	if err != nil {
		return err
	}
	options := postgres.Options{ApplicationName: "resync", MaxConns: 2}
	from, err := postgres.Open(ctx, string(settings.Users.URL), options)
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	defer from.Close()
	to, err := postgres.Open(ctx, string(settings.Promotions.URL), options)
	if err != nil {
		return fmt.Errorf("promotions: %w", err)
	}
	defer to.Close()
	compared, corrected := 0, 0
	for after := uuid.Nil; ; {
		players, err := users.Players(ctx, from, after, resyncBatch)
		if err != nil {
			return fmt.Errorf("users: %w", err)
		}
		if len(players) == 0 {
			break
		}
		after = players[len(players)-1].ID
		truth := make([]promotions.PlayerStatus, len(players))
		for i, p := range players {
			truth[i] = promotions.PlayerStatus{ID: p.ID, Active: p.Active, Version: p.Version}
			for _, r := range p.Restrictions {
				truth[i].Restrictions = append(truth[i].Restrictions, domain.PlayerRestriction{
					UserID: p.ID, Kind: domain.RestrictionKind(r.Kind), Until: r.Until, ByPlayer: r.ByPlayer,
				})
			}
		}
		changed, err := promotions.Resync(ctx, to, truth)
		if err != nil {
			return fmt.Errorf("promotions: %w", err)
		}
		if _, err := users.Republish(ctx, from, users.LostEvents{Statuses: changed}); err != nil {
			return fmt.Errorf("users: %w", err)
		}
		compared, corrected = compared+len(players), corrected+len(changed)
		for _, id := range changed {
			fmt.Fprintf(c.stdout, "corrected the status of player %s\n", id)
		}
	}
	fmt.Fprintf(c.stdout, "%s compared, %d corrected\n", cli.Count(compared, "player", "players"), corrected)
	return nil
}
