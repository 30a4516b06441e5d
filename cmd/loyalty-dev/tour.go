package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/datadir"
	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/tour"
	"github.com/casino-loyalty/loyalty/internal/cli"
)

// playTour runs the scenarios against a running platform.
func playTour(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var (
		addr, data string
		given      datadir.Admin
	)
	f := flag.NewFlagSet("loyalty-dev tour", flag.ContinueOnError)
	defaultData, _ := datadir.Default() // without a default, the flags must set the directory or the credentials
	cli.AddressVar(f, &addr, "addr", defaultAddr, "`address` of the platform")
	f.StringVar(&data, "data", defaultData, "data `directory` of the platform; it holds the admin's credentials")
	cli.FuncVar(f, &given.Email, "admin-email", "",
		"e-mail `address` of the admin (default: from the data directory)", checkEmail)
	f.StringVar(&given.Password, "admin-password", "", "`password` of the admin (default: from the data directory)")
	rest, err := parseFlags(f, args, stderr, "loyalty-dev tour [FLAG ...]",
		"Plays three scenarios (a registration, an assignment and a claim), a restriction, a second factor and the audit trail "+
			"against a running platform, and "+
			"prints every request and answer.")
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usageError(stderr, f.Name(), fmt.Errorf("unknown argument %q", rest[0]))
	}
	admin, err := readAdmin(data, given)
	if err != nil {
		return err
	}
	return tour.Play(ctx, tour.Options{
		URL:           "http://" + browsable(addr),
		AdminEmail:    admin.Email,
		AdminPassword: admin.Password,
		Colour:        isTerminal(stdout) && os.Getenv("NO_COLOR") == "",
	}, stdout)
}

// readAdmin completes the given admin credentials with those in the data directory. The default e-mail address is
// datadir.DefaultAdminEmail. It returns an error if no password is given or stored, or if the stored credentials cannot be
// read.
func readAdmin(data string, given datadir.Admin) (datadir.Admin, error) {
	if given.Email != "" && given.Password != "" {
		return given, nil
	}
	stored, err := datadir.ReadAdmin(data)
	if err != nil && (given.Password == "" || !errors.Is(err, fs.ErrNotExist)) {
		return given, fmt.Errorf("no admin credentials in %s: set --data to the data directory of the platform, "+
			"or set --admin-email and --admin-password", cmp.Or(data, "a default data directory"))
	}
	return datadir.Admin{
		Email:    cmp.Or(given.Email, stored.Email, datadir.DefaultAdminEmail),
		Password: cmp.Or(given.Password, stored.Password),
	}, nil
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
