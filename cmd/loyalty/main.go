// Command loyalty is the production program. It runs each service as a separate process. It also contains the tools for
// operators. Settings come from the environment or from a file; settings.go lists the common settings.
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
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"google.golang.org/grpc/resolver/dns"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/printable"
)

// command is a subcommand of the program.
type command struct {
	name, arguments, about string
	run                    func(ctx context.Context, c call) error
}

// call holds the input and output of a command.
type call struct {
	args           []string
	settings       string // path of a settings file, or empty
	stdin          io.Reader
	stdout, stderr io.Writer
}

func commands() []command {
	return []command{
		{"users", "", "run the users service", runUsers},
		{"promotions", "", "run the promotions service", runPromotions},
		{"notifications", "", "run the notifications service", runNotifications},
		{
			"migrate", "up [--wait D] [DATABASE ...] | status [DATABASE ...]",
			"apply or show database migrations", runMigrate,
		},
		{
			"admin", "[--reset|--if-missing] [--password-file FILE] EMAIL",
			"create an admin, or reset an admin's password; reads the password from the terminal, standard input or a file",
			runAdmin,
		},
		{
			"check", "[--preflight] [--json]",
			"check every server in the settings, and how it is configured; changes nothing", runCheck,
		},
		{"verify", "[--delay D] [--dead-letters N]", "check the invariants across all databases", runVerify},
		{
			"events", "topics | dead|replay TOPIC | republish [--delay D] | resync",
			"create the topics that do not exist; list the dead letters of a topic, or publish them again; publish the events " +
				"again whose effects are missing, after a restore; correct the statuses of players in promotions, after forged events",
			runEvents,
		},
		{"backup", "DIR", "dump all PostgreSQL databases at one consistent cut, while the services run", runBackup},
		{
			"ledger", "show ID | reverse --reason TEXT ID",
			"show a transaction, or add the transaction that reverses it", runLedger,
		},
		{
			"settings", "[COMMAND]",
			"check the settings of a command, without a connection to any server; or print all settings", runSettings,
		},
		{"health", "", "ask the service in this container whether it is ready", runHealth},
		{"keygen", "[token|ledger]", "print a new key: for signing access tokens, or for the MACs of the ledger", runKeygen},
		{"version", "", "print version, commit, Go version and schema version", runVersion},
	}
}

// resolveInterval is the minimum time between two DNS queries for the replicas of a service. The default of gRPC is 30
// seconds. A rolling restart can replace every replica in less time.
const resolveInterval = 2 * time.Second

func main() {
	limitMemory(memlimit.FromCgroup)
	dns.SetMinResolutionInterval(resolveInterval) // process-wide; must be set before the first connection
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills the process
	os.Exit(dispatch(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// dispatch runs the command in args and returns the exit code: 0 for success, 1 for an error, 2 for wrong usage. It prints
// an error as one line.
func dispatch(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case "help", "-h", "-help", "--help":
			usage(stdout)
			return 0
		case "-version", "--version":
			args = append([]string{"version"}, args[1:]...)
		}
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
			if err != errUsage { //nolint:errorlint // only a wrapped errUsage has a message to print
				fmt.Fprintln(stderr, "loyalty:", printable.Escape(err.Error()))
			}
			fmt.Fprintln(stderr, strings.TrimSpace("usage: loyalty "+c.name+" "+c.arguments))
			return 2
		}
		fmt.Fprintln(stderr, "loyalty:", printable.Escape(strings.Join(strings.Fields(err.Error()), " ")))
		return 1
	}
	if len(args) > 0 {
		fmt.Fprintf(stderr, "loyalty: unknown command %q\n", args[0])
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
	fmt.Fprintln(w, "Settings come from environment variables (LOYALTY_...) or from a file with lines NAME=value.")
}

// flags parses the flags of a command and leaves the other arguments in c.args. Flags may stand anywhere among the
// arguments. define adds the flags of the command; it may be nil. flags returns errUsage for wrong flags and for more than
// maxArgs arguments, and an error for misspelt settings. For --help it prints the help and returns flag.ErrHelp.
func (c *call) flags(name string, maxArgs int, define func(*flag.FlagSet)) error {
	set := flag.NewFlagSet("loyalty "+name, flag.ContinueOnError)
	set.StringVar(&c.settings, "settings", "", "settings `file` with lines NAME=value; environment variables override it")
	if define != nil {
		define(set)
	}
	arguments, err := cli.Parse(set, c.args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		for _, known := range commands() {
			if known.name == name {
				fmt.Fprintf(c.stderr, "usage: loyalty %s\n%s\n",
					strings.TrimSpace(name+" [FLAG ...] "+known.arguments), known.about)
			}
		}
		cli.Help(c.stderr, set)
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", errUsage, err)
	case len(arguments) > maxArgs:
		return fmt.Errorf("%w: unexpected argument %q", errUsage, arguments[maxArgs])
	}
	c.args = arguments
	_, err = config.UnknownNames(c.settings, settingNames())
	return err
}
