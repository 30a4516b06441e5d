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
)

// playTour plays the scenarios against a running platform.
func playTour(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var (
		addr, data string
		given      datadir.Admin
	)
	f := flag.NewFlagSet("loyalty-dev tour", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintln(stderr, "loyalty-dev tour plays the three scenarios against a running platform. Its flags:")
		f.PrintDefaults()
	}
	defaultData, _ := datadir.Default() // without one, the admin's credentials must be given
	f.StringVar(&addr, "addr", defaultAddr, "the platform's `address`")
	f.StringVar(&data, "data", defaultData, "the platform's data `directory`, where its admin's credentials are kept")
	f.StringVar(&given.Email, "admin-email", "", "the admin's e-mail `address` (default the kept one)")
	f.StringVar(&given.Password, "admin-password", "", "the admin's `password` (default the kept one)")
	if err := f.Parse(args); err != nil {
		return usage(err)
	}
	if f.NArg() > 0 {
		fmt.Fprintf(stderr, "loyalty-dev tour: unknown argument %q\n", f.Arg(0))
		return errUsage
	}
	admin, err := adminOf(data, given)
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

// adminOf completes what is given of the admin's credentials with what the data directory keeps.
func adminOf(data string, given datadir.Admin) (datadir.Admin, error) {
	if given.Email != "" && given.Password != "" {
		return given, nil
	}
	kept, err := datadir.ReadAdmin(data)
	if err != nil && (given.Password == "" || !errors.Is(err, fs.ErrNotExist)) {
		return given, fmt.Errorf("the admin's credentials are not to be had from %s: name the platform's --data directory, "+
			"or --admin-email and --admin-password", cmp.Or(data, "any default data directory"))
	}
	return datadir.Admin{
		Email:    cmp.Or(given.Email, kept.Email, datadir.DefaultAdminEmail),
		Password: cmp.Or(given.Password, kept.Password),
	}, nil
}

// isTerminal reports whether people read w directly.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
