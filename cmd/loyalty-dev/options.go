package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/datadir"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/services/users"
)

// The values of --bus.
const (
	busKafka = "kafka"
	busNATS  = "nats"
)

const (
	// defaultAddr is the address on which the platform listens by default.
	defaultAddr = "127.0.0.1:8080"
	// maxAddressLimit is the maximum value of --address-limit.
	maxAddressLimit = users.MaxPerMinute
)

// options are the command line options of the platform.
type options struct {
	addr         string
	diagnostics  string
	data         string
	bus          string
	admin        datadir.Admin
	demo         bool
	addressLimit int
	logLevel     slog.Level
}

// parse parses the command line. For wrong usage it prints the error to stderr and returns errUsage. For --help it prints
// the help and returns flag.ErrHelp.
func parse(args []string, stderr io.Writer) (options, error) {
	var (
		o     options
		level string
	)
	f := flag.NewFlagSet("loyalty-dev", flag.ContinueOnError)
	data, dataErr := datadir.Default()
	cli.AddressVar(f, &o.addr, "addr", defaultAddr, "`address` to listen on")
	cli.AddressVar(f, &o.diagnostics, "diagnostics", "127.0.0.1:0",
		"`address` of metrics, health checks and profiles; port 0 is a free port")
	f.StringVar(&o.data, "data", data, "`directory` that keeps the data")
	cli.ChoiceVar(f, &o.bus, "bus", busKafka, "event `bus`: kafka or nats", busKafka, busNATS)
	cli.FuncVar(f, &o.admin.Email, "admin-email", "",
		"e-mail `address` of the first admin (default: the address of the previous start, or "+datadir.DefaultAdminEmail+")",
		checkEmail)
	cli.FuncVar(f, &o.admin.Password, "admin-password", "",
		"`password` of the first admin (default: the password of the previous start, or a random password)", checkPassword)
	f.BoolVar(&o.demo, "demo", false, "create a few promotions and players")
	cli.IntVar(f, &o.addressLimit, "address-limit", 1000, 1, maxAddressLimit,
		fmt.Sprintf("`number` of registrations, and of failed logins, accepted from one address per minute: 1 to %d",
			maxAddressLimit))
	cli.FuncVar(f, &level, "log-level", "warn", "lowest `level` to log: debug, info, warn or error", func(text string) error {
		if o.logLevel.UnmarshalText([]byte(text)) != nil {
			return errors.New("must be debug, info, warn or error")
		}
		return nil
	})
	o.logLevel = slog.LevelWarn
	rest, err := parseFlags(f, args, stderr, "loyalty-dev [FLAG ...]", "Runs the whole platform in one process.",
		"Other commands: loyalty-dev tour, loyalty-dev listen, loyalty-dev version.")
	switch {
	case err != nil:
		return o, err
	case len(rest) > 0:
		return o, usageError(stderr, f.Name(), fmt.Errorf("unknown argument %q", rest[0]))
	case o.data == "" && dataErr != nil:
		return o, usageError(stderr, f.Name(), fmt.Errorf("%w: set --data", dataErr))
	case o.data == "":
		return o, usageError(stderr, f.Name(), errors.New("--data is empty"))
	}
	return o, nil
}

func checkEmail(text string) error {
	if users.CheckEmail(text) != nil {
		return errors.New("must be an e-mail address")
	}
	return nil
}

func checkPassword(text string) error {
	err := users.CheckPassword(text, "")
	if err == nil {
		return nil
	}
	refused := apperr.From(err)
	if len(refused.Violations) > 0 {
		return errors.New(refused.Violations[0].Message)
	}
	return errors.New(refused.Detail)
}

// parseFlags parses args and returns the arguments that are not flags. For wrong usage it prints the error to stderr and
// returns errUsage. For --help it prints the help and returns flag.ErrHelp.
func parseFlags(f *flag.FlagSet, args []string, stderr io.Writer, usage string, about ...string) ([]string, error) {
	rest, err := cli.Parse(f, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(stderr, "usage: %s\n%s\n", usage, about[0])
		cli.Help(stderr, f)
		for _, line := range about[1:] {
			fmt.Fprintln(stderr, line)
		}
		return nil, err
	case err != nil:
		return nil, usageError(stderr, f.Name(), err)
	}
	return rest, nil
}

// usageError prints err and a hint to --help in one line, and returns errUsage.
func usageError(stderr io.Writer, command string, err error) error {
	fmt.Fprintf(stderr, "%s: %v; see %s --help\n", command, err, command)
	return errUsage
}
