package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/readiness"
)

// database is the database of one service, with its migrations.
type database struct {
	name, setting, url string
	migrations         fs.FS
	// privileges are those of the service's role in the database.
	privileges dbrole.Privileges
}

func (s databaseSettings) all() []database {
	return []database{
		{"users", "LOYALTY_USERS_DATABASE_URL", string(s.Users), atlas.Users, dbrole.Of("users")},
		{"promotions", "LOYALTY_PROMOTIONS_DATABASE_URL", string(s.Promotions), atlas.Promotions, dbrole.Of("promotions")},
		{
			"notifications", "LOYALTY_NOTIFICATIONS_DATABASE_URL", string(s.Notifications), atlas.Notifications,
			dbrole.Of("notifications"),
		},
	}
}

// migrateSettings are the settings of loyalty migrate up: the URLs with the owners of the databases, and the names of the
// roles of the services.
type migrateSettings struct {
	Databases     databaseSettings
	Users         string `env:"LOYALTY_USERS_DATABASE_ROLE"`
	Promotions    string `env:"LOYALTY_PROMOTIONS_DATABASE_ROLE"`
	Notifications string `env:"LOYALTY_NOTIFICATIONS_DATABASE_ROLE"`
}

// noRole is the value of a role's setting if the service connects as the owner. PostgreSQL has no role with this name.
const noRole = "none"

// role returns the role of the service that uses a database. Its name is empty if nothing is to be granted.
func (s migrateSettings) role(d database) (dbrole.Role, error) {
	setting := strings.Replace(d.setting, "_URL", "_ROLE", 1)
	name := map[string]string{"users": s.Users, "promotions": s.Promotions, "notifications": s.Notifications}[d.name]
	switch name {
	case "":
		return dbrole.Role{}, fmt.Errorf("settings: %s is not set: it names the database role of the %s service, to which "+
			"privileges are granted; %s grants none", setting, d.name, noRole)
	case noRole:
		return dbrole.Role{}, nil
	}
	return dbrole.Role{Name: name, Privileges: d.privileges}, nil
}

// pick returns the databases with the given names. Without names, it returns the databases whose URL is set. It returns an
// error if a name is unknown, if a URL is missing, or if no URL is set.
func (s databaseSettings) pick(names []string) ([]database, error) {
	var picked []database
	for _, d := range s.all() {
		if len(names) == 0 && d.url != "" {
			picked = append(picked, d)
		}
	}
	for _, name := range names {
		found := false
		for _, d := range s.all() {
			if d.name != name {
				continue
			}
			if d.url == "" {
				return nil, fmt.Errorf("settings: %s is not set", d.setting)
			}
			found, picked = true, append(picked, d)
		}
		if !found {
			return nil, fmt.Errorf("unknown database %q; the databases are users, promotions and notifications", name)
		}
	}
	if len(picked) == 0 {
		return nil, errors.New("settings: none of LOYALTY_USERS_DATABASE_URL, LOYALTY_PROMOTIONS_DATABASE_URL and " +
			"LOYALTY_NOTIFICATIONS_DATABASE_URL is set")
	}
	return picked, nil
}

// runMigrate runs the subcommands up and status of loyalty migrate.
func runMigrate(ctx context.Context, c call) error {
	var wait time.Duration
	err := c.flags("migrate", 1+len(databaseSettings{}.all()), func(set *flag.FlagSet) {
		cli.DurationVar(set, &wait, "wait", 0, 0, "with up: maximum `duration` of waiting for a database that cannot be reached")
	})
	if err != nil {
		return err
	}
	if len(c.args) == 0 {
		return errUsage
	}
	verb := c.args[0]
	c.args = c.args[1:]
	if wait > 0 && verb != "up" {
		return errUsage
	}
	settings, err := config.LoadWith[migrateSettings](c.settings)
	if err != nil {
		return err
	}
	databases, err := settings.Databases.pick(c.args)
	if err != nil {
		return err
	}
	switch verb {
	case "up":
		return settings.up(ctx, c, databases, wait)
	case "status":
		for _, d := range databases {
			status, err := migrate.StatusOf(ctx, d.url, d.migrations)
			if err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
			printStatus(c, d.name, status)
		}
		return nil
	default:
		return errUsage
	}
}

// up migrates the databases, and grants the roles of the services their privileges. It checks all settings first.
func (s migrateSettings) up(ctx context.Context, c call, databases []database, wait time.Duration) error {
	roles := map[string]dbrole.Role{}
	for _, d := range databases {
		role, err := s.role(d)
		if err != nil {
			return err
		}
		roles[d.name] = role
	}
	log := s.Databases.Log.logger(c.stderr)
	for _, d := range databases {
		role := roles[d.name]
		applied, err := migrateUp(ctx, d, role, wait, log)
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		granted := "no privileges granted"
		if role.Name != "" {
			granted = "privileges granted to the role " + strconv.Quote(role.Name)
		}
		fmt.Fprintf(c.stdout, "%s: %s applied, %s\n", d.name, cli.Count(len(applied), "migration", "migrations"), granted)
	}
	return nil
}

// migrateUp applies the pending migrations of a database. It retries for up to wait while the database cannot be reached.
func migrateUp(
	ctx context.Context, d database, role dbrole.Role, wait time.Duration, log *slog.Logger,
) (applied []string, err error) {
	policy := connectPolicy()
	policy.Timeout = wait
	if wait == 0 {
		policy.Attempts = 1
	}
	logged := false
	err = backoff.Retry(ctx, policy, func(ctx context.Context) error {
		applied, err = migrate.Up(ctx, d.url, d.migrations, role, log)
		if _, ok := errors.AsType[*readiness.UnreachableError](err); !ok {
			return backoff.Permanent(err)
		}
		if !logged && wait > 0 {
			logged = true
			log.Warn("waiting for the database", "setting", d.setting, "error", err)
		}
		return err
	})
	return applied, err
}

func printStatus(c call, name string, s migrate.Status) {
	current := s.Current
	if current == "" {
		current = "nothing"
	}
	fmt.Fprintf(c.stdout, "%s: at %s, %d applied, %d pending\n", name, current, len(s.Applied), len(s.Pending))
	for _, list := range []struct {
		name  string
		files []string
	}{{"pending", s.Pending}, {"modified", s.Modified}, {"late", s.Late}, {"unknown", s.Unknown}, {"newer", s.Newer}} {
		if len(list.files) > 0 {
			fmt.Fprintf(c.stdout, "  %s: %s\n", list.name, strings.Join(list.files, ", "))
		}
	}
}
