package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/term"

	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/services/users/app"
)

type adminSettings struct {
	Redis    redisSettings
	Database config.PostgresURL `env:"LOYALTY_USERS_DATABASE_URL,required,notEmpty"`
}

// runAdmin sees that there is an admin. The password is asked for, or comes from standard input: arguments are seen by
// everybody on the machine.
func runAdmin(ctx context.Context, c call) error {
	var reset bool
	err := c.flags("admin", 1, func(set *flag.FlagSet) {
		set.BoolVar(&reset, "reset", false, "give an admin who is there already this password")
	})
	if err != nil {
		return err
	}
	if len(c.args) != 1 {
		return errUsage
	}
	s, err := config.LoadWith[adminSettings](c.settings)
	if err != nil {
		return err
	}
	secret, err := readPassword(c)
	if err != nil {
		return err
	}
	created, err := app.EnsureAdmin(ctx, app.AdminConfig{
		DatabaseURL: string(s.Database), Redis: s.Redis.config(slog.New(slog.DiscardHandler)), Password: password.Default(),
	}, c.args[0], secret, reset)
	switch {
	case err != nil:
		return err
	case created:
		fmt.Fprintf(c.stdout, "%s is an admin\n", c.args[0])
	default:
		fmt.Fprintf(c.stdout, "%s was an admin already\n", c.args[0])
	}
	return nil
}

// readPassword asks for the password at a terminal, without echo, or reads the first line of standard input.
func readPassword(c call) (string, error) {
	if file, ok := c.stdin.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		fmt.Fprint(c.stderr, "Password: ")
		typed, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(c.stderr)
		return string(typed), err
	}
	secret, err := config.ReadSecretLine(c.stdin)
	if err != nil {
		return "", err
	}
	if secret == "" {
		return "", errors.New("no password on standard input")
	}
	return secret, nil
}
