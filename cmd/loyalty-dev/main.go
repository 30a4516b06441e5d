// Command loyalty-dev runs the whole platform with one command: the three services behind one port, a private PostgreSQL,
// an embedded event bus and an embedded Redis. It needs only Go. It keeps its data in one directory.
//
//	go run ./cmd/loyalty-dev          start the platform
//	go run ./cmd/loyalty-dev tour     play three scenarios against a running platform
//	go run ./cmd/loyalty-dev listen   print the live frames of a player
//	go run ./cmd/loyalty-dev version  print the version
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/casino-loyalty/loyalty/internal/buildinfo"
	"github.com/casino-loyalty/loyalty/internal/printable"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills the process
	os.Exit(command(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// command runs the command in args and returns the exit code: 0 for success, 1 for an error, 2 for wrong usage. It prints an
// error as one line.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	run := start
	if len(args) > 0 {
		switch args[0] {
		case "tour":
			run, args = playTour, args[1:]
		case "listen":
			run, args = listen, args[1:]
		case "version":
			run, args = printVersion, args[1:]
		}
	}
	err := run(ctx, args, stdout, stderr)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintln(stderr, "loyalty-dev:", printable.Escape(strings.Join(strings.Fields(err.Error()), " ")))
	return 1
}

// errUsage means wrong usage. The message has already been printed.
var errUsage = errors.New("wrong usage")

func printVersion(_ context.Context, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("loyalty-dev version", flag.ContinueOnError)
	rest, err := parseFlags(f, args, stderr, "loyalty-dev version", "Prints the version of the program.")
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usageError(stderr, f.Name(), fmt.Errorf("unknown argument %q", rest[0]))
	}
	_, err = fmt.Fprint(stdout, buildinfo.Read())
	return err
}
