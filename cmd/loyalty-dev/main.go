// Command loyalty-dev is the whole platform in one process, for a machine with nothing but Go: the three services behind
// one port, on a private PostgreSQL, an embedded bus and an embedded Redis, whose data it keeps in one directory.
//
//	go run ./cmd/loyalty-dev         start it
//	go run ./cmd/loyalty-dev tour    play the three scenarios against a running one
//	go run ./cmd/loyalty-dev listen  print a player's live frames
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Once it stops, a second Ctrl-C ends it there and then.
	context.AfterFunc(ctx, stop)
	os.Exit(command(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// command runs what the arguments ask for and returns the exit code: 0, 1 for a failure, 2 for wrong usage. A failure is
// told in one line.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	run := start
	if len(args) > 0 {
		switch args[0] {
		case "tour":
			run, args = playTour, args[1:]
		case "listen":
			run, args = listen, args[1:]
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
	fmt.Fprintln(stderr, "loyalty-dev:", strings.Join(strings.Fields(err.Error()), " "))
	return 1
}

// errUsage is returned once the usage has been shown.
var errUsage = errors.New("wrong usage")
