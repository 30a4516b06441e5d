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
	Database usersDatabase
}

// runAdmin creates an admin, or resets the password or the second factor of an admin. It reads the password from the
// terminal or from standard input. A password in the arguments would be visible to every user of the machine.
func runAdmin(ctx context.Context, c call) error {
	var reset, resetFactor, ifMissing bool
	var passwordFile string
	err := c.flags("admin", 1, func(set *flag.FlagSet) {
		set.BoolVar(&reset, "reset", false, "set a new password for an existing admin, and end the admin's sessions")
		set.BoolVar(&resetFactor, "reset-factor", false, "remove the second factor of an existing admin; asks for no password")
		set.BoolVar(&ifMissing, "if-missing", false, "succeed without a change if the user is already an admin")
		set.StringVar(&passwordFile, "password-file", "", "read the password from the first line of this `file`")
	})
	if err != nil {
		return err
	}
	if len(c.args) != 1 {
		return errUsage
	}
	if reset && ifMissing {
		return fmt.Errorf("%w: --reset and --if-missing exclude each other", errUsage)
	}
	if resetFactor && (reset || ifMissing || passwordFile != "") {
		return fmt.Errorf("%w: --reset-factor excludes other flags", errUsage)
	}
	s, err := config.LoadWith[adminSettings](c.settings)
	if err != nil {
		return err
	}
	if resetFactor {
		if err := app.ResetAdminFactor(ctx, string(s.Database.URL), c.args[0]); err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "%s has no second factor\n", c.args[0])
		return nil
	}
	secret, err := readPassword(c, passwordFile)
	if err != nil {
		return err
	}
	outcome, err := app.EnsureAdmin(ctx, app.AdminConfig{
		DatabaseURL: string(s.Database.URL), Redis: s.Redis.config(slog.New(slog.DiscardHandler)), Password: password.Default(),
	}, c.args[0], secret, reset)
	if err != nil {
		return err
	}
	switch outcome {
	case app.AdminCreated:
		fmt.Fprintf(c.stdout, "%s is now an admin\n", c.args[0])
	case app.AdminReset:
		fmt.Fprintf(c.stdout, "%s has the new password; all sessions of this admin have ended\n", c.args[0])
	case app.AdminUnchanged:
		if ifMissing {
			fmt.Fprintf(c.stdout, "%s is already an admin; nothing was changed\n", c.args[0])
			return nil
		}
		return fmt.Errorf("%s is already an admin, and its password was not changed; --reset sets a new one", c.args[0])
	}
	return nil
}

// readPassword reads the password from the first line of the file. Without a file, it prompts for the password if standard
// input is a terminal, and otherwise reads the first line of standard input.
func readPassword(c call, path string) (string, error) {
	if path != "" {
		return readPasswordFile(path)
	}
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

func readPasswordFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("--password-file: %w", err)
	}
	defer file.Close()
	secret, err := config.ReadSecretLine(file)
	if err == nil && secret == "" {
		err = fmt.Errorf("%s is empty", path)
	}
	if err != nil {
		return "", fmt.Errorf("--password-file: %w", err)
	}
	return secret, nil
}
