package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/datadir"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Names of the buses.
const (
	busKafka = "kafka"
	busNATS  = "nats"
)

// defaultAddr is where the platform listens, and is looked for, unless another address is named.
const defaultAddr = "127.0.0.1:8080"

// options are the command line's.
type options struct {
	addr         string
	data         string
	bus          string
	admin        datadir.Admin
	demo         bool
	addressLimit int
	logLevel     slog.Level
}

// parse reads the arguments. It shows the usage where they are wrong.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("loyalty-dev", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintln(stderr, "loyalty-dev runs the whole platform in one process. Its flags:")
		f.PrintDefaults()
		fmt.Fprintln(stderr, "loyalty-dev tour plays the scenarios against it, loyalty-dev listen prints a player's live frames; "+
			"see their --help.")
	}
	data, dataErr := datadir.Default()
	f.StringVar(&o.addr, "addr", defaultAddr, "`address` to listen on")
	f.StringVar(&o.data, "data", data, "`directory` that keeps the data")
	f.StringVar(&o.bus, "bus", busKafka, "the bus that events travel on: kafka or nats")
	f.StringVar(&o.admin.Email, "admin-email", "",
		"the first admin's e-mail `address` (default that of the start before, or "+datadir.DefaultAdminEmail+")")
	f.StringVar(&o.admin.Password, "admin-password", "",
		"the first admin's `password` (default that of the start before, or one made up)")
	f.BoolVar(&o.demo, "demo", false, "add a few promotions and players")
	f.IntVar(&o.addressLimit, "address-limit", 1000,
		"how many registrations, and failed logins, a minute are taken from one address; the limits per account are production's")
	level := f.String("log-level", "warn", "the least `level` to log: debug, info, warn or error")
	if err := f.Parse(args); err != nil {
		return o, usage(err)
	}
	if o.data == "" && dataErr != nil {
		return o, fmt.Errorf("%w: name a directory with --data", dataErr)
	}
	if wrong := o.wrong(f, *level); wrong != "" {
		fmt.Fprintln(stderr, "loyalty-dev:", wrong)
		return o, errUsage
	}
	return o, nil
}

// wrong says what is wrong with what was parsed, in the platform's own words where it would only say so later. It reads
// the level.
func (o *options) wrong(f *flag.FlagSet, level string) string {
	given := map[string]bool{}
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	password := users.CheckPassword(o.admin.Password)
	switch {
	case f.NArg() > 0:
		return fmt.Sprintf("unknown argument %q", f.Arg(0))
	case o.bus != busKafka && o.bus != busNATS:
		return fmt.Sprintf("--bus is kafka or nats, not %q", o.bus)
	case o.addressLimit < 1:
		return "--address-limit must be at least 1"
	case o.logLevel.UnmarshalText([]byte(level)) != nil:
		return fmt.Sprintf("--log-level is debug, info, warn or error, not %q", level)
	case given["admin-email"] && users.CheckEmail(o.admin.Email) != nil:
		return fmt.Sprintf("--admin-email must be an e-mail address, not %q", o.admin.Email)
	case given["admin-password"] && password != nil:
		return "--admin-password " + apperr.From(password).Violations[0].Message
	case o.data == "":
		return "--data names no directory"
	}
	return ""
}

// usage makes an error of flag, which has been shown already, one that is not shown again.
func usage(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	return errUsage
}
