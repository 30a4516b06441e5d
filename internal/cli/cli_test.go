package cli_test

import (
	"bytes"
	"errors"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/cli"
)

type values struct {
	limit  int
	delay  time.Duration
	bus    string
	addr   string
	email  string
	demo   bool
	others []string
}

func parse(args ...string) (v values, err error) {
	set := flag.NewFlagSet("test", flag.ContinueOnError)
	cli.IntVar(set, &v.limit, "address-limit", 1000, 1, 60000, "the `limit`")
	cli.DurationVar(set, &v.delay, "delay", 30*time.Second, 0, "the `delay`")
	cli.ChoiceVar(set, &v.bus, "bus", "kafka", "the `bus`", "kafka", "nats")
	cli.AddressVar(set, &v.addr, "addr", "127.0.0.1:8080", "the `address`")
	cli.FuncVar(set, &v.email, "email", "", "the `address`", func(text string) error {
		if !strings.Contains(text, "@") {
			return errors.New("must be an e-mail address")
		}
		return nil
	})
	set.BoolVar(&v.demo, "demo", false, "add players")
	v.others, err = cli.Parse(set, args)
	return v, err
}

func TestParse(t *testing.T) {
	t.Parallel()
	v, err := parse("first", "--address-limit", "60000", "-delay=1m", "second", "--bus", "nats", "--addr=[::]:0",
		"--email", "a@b.example", "--demo")
	if err != nil {
		t.Fatal(err)
	}
	if v.limit != 60000 || v.delay != time.Minute || v.bus != "nats" || v.addr != "[::]:0" || v.email != "a@b.example" || !v.demo ||
		!slices.Equal(v.others, []string{"first", "second"}) {
		t.Errorf("got %+v", v)
	}
	if v, err := parse(); err != nil || v.limit != 1000 || v.delay != 30*time.Second || v.bus != "kafka" || v.addr != "127.0.0.1:8080" {
		t.Errorf("without arguments: got %+v, %v; want the defaults", v, err)
	}
	if _, err := parse("--help"); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: got error %v, want flag.ErrHelp", err)
	}
}

func TestErrorsNameTheFlag(t *testing.T) {
	t.Parallel()
	const limit = "for flag --address-limit: must be a whole number from 1 to 60000"
	for _, tt := range []struct {
		args string
		want string
	}{
		{"--address-limit 0", `invalid value "0" ` + limit},
		{"--address-limit=-1", `invalid value "-1" ` + limit},
		{"--address-limit 60001", `invalid value "60001" ` + limit},
		{"--address-limit 99999999999999999999", `invalid value "99999999999999999999" ` + limit},
		{"--address-limit ten", `invalid value "ten" ` + limit},
		{"--address-limit", "missing value for flag --address-limit"},
		{"--delay soon", `invalid value "soon" for flag --delay: must be a duration of 0s or more, such as 30s or 5m`},
		{"--delay -1s", `invalid value "-1s" for flag --delay: must be a duration of 0s or more, such as 30s or 5m`},
		{"--bus tram", `invalid value "tram" for flag --bus: must be kafka or nats`},
		{"--addr localhost", `invalid value "localhost" for flag --addr: must be host:port`},
		{"--addr :99999", `invalid value ":99999" for flag --addr: must be host:port`},
		{"--addr http://localhost:8080", `invalid value "http://localhost:8080" for flag --addr: must be host:port`},
		{"--email anna", `invalid value "anna" for flag --email: must be an e-mail address`},
		{"--demo=2", `invalid boolean value "2" for --demo`},
		{"--nothing", "unknown flag --nothing"},
	} {
		_, err := parse(strings.Fields(tt.args)...)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %s", tt.args, err, tt.want)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for n, want := range []string{"0 entries", "1 entry", "2 entries"} {
		if got := cli.Count(n, "entry", "entries"); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	set := flag.NewFlagSet("test", flag.ContinueOnError)
	var limit int
	cli.IntVar(set, &limit, "address-limit", 1000, 1, 60000, "largest `number` of registrations")
	var out bytes.Buffer
	cli.Help(&out, set)
	const want = "  --address-limit number\n    \tlargest number of registrations (default 1000)\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
