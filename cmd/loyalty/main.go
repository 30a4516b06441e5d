// Command loyalty is the production program: each service as a process of its own, and the tools of those who run them.
// Settings come from the environment; see settings.go for their names.
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

// command is one of the program's commands.
type command struct {
	name, arguments, about string
	run                    func(ctx context.Context, c call) error
}

// call is what a command is run with.
type call struct {
	args           []string
	settings       string // path of a file of settings, or empty
	stdin          io.Reader
	stdout, stderr io.Writer
}

func commands() []command {
	return []command{
		{"users", "", "run the users service", runUsers},
		{"promotions", "", "run the promotions service", runPromotions},
		{"notifications", "", "run the notifications service", runNotifications},
		{
			"migrate", "up|status [DATABASE ...] | diff NAME | hash",
			"bring databases to this version, show where they are, or plan", runMigrate,
		},
		{
			"admin", "[--reset] EMAIL",
			"create the first admin, or set the password of one; it is asked for, or read from the input", runAdmin,
		},
		{"verify", "[--delay D] [--dead-letters N]", "check what must hold over all databases", runVerify},
		{"events", "dead|replay TOPIC", "list a topic's dead letters, or handle them again", runEvents},
		{"keygen", "", "print a new key for signing access tokens", runKeygen},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process there and then
	os.Exit(dispatch(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// dispatch runs the command that args name and returns the exit code: 0, 1 for a failure, 2 for wrong usage. A failure is
// told in one line.
func dispatch(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 && (args[0] == "help" || args[0] == "-h" || args[0] == "--help") {
		usage(stdout)
		return 0
	}
	for _, c := range commands() {
		if len(args) == 0 || c.name != args[0] {
			continue
		}
		err := c.run(ctx, call{args: args[1:], stdin: stdin, stdout: stdout, stderr: stderr})
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			if err != errUsage { //nolint:errorlint // it says more
				fmt.Fprintln(stderr, "loyalty:", err)
			}
			fmt.Fprintf(stderr, "usage: loyalty %s %s\n", c.name, c.arguments)
			return 2
		}
		fmt.Fprintln(stderr, "loyalty:", strings.Join(strings.Fields(err.Error()), " "))
		return 1
	}
	if len(args) > 0 {
		fmt.Fprintf(stderr, "loyalty: there is no command %q\n", args[0])
	}
	usage(stderr)
	return 2
}

var errUsage = errors.New("wrong usage")

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage: loyalty COMMAND [--settings FILE] ...")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-52s %s\n", strings.TrimSpace(c.name+" "+c.arguments), c.about)
	}
	fmt.Fprintln(w, "Settings are read from the environment (LOYALTY_...), or from a file of lines NAME=value.")
}

// flags reads the flags of a command, wherever they stand among its arguments, which are left in c.args; define adds its
// own. More arguments than most are wrong usage.
func (c *call) flags(name string, most int, define func(*flag.FlagSet)) error {
	set := flag.NewFlagSet("loyalty "+name, flag.ContinueOnError)
	set.SetOutput(c.stderr)
	set.StringVar(&c.settings, "settings", "", "file of settings, lines NAME=value; the environment goes first")
	if define != nil {
		define(set)
	}
	var arguments []string
	for rest := c.args; ; {
		if err := set.Parse(rest); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return err
			}
			return errUsage
		}
		if rest = set.Args(); len(rest) == 0 {
			break
		}
		arguments, rest = append(arguments, rest[0]), rest[1:]
	}
	if len(arguments) > most {
		return errUsage
	}
	c.args = arguments
	return nil
}
