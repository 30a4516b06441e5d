// Package cli parses command lines. Every error names the invalid flag and its range, if it has one.
package cli

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parse parses args and returns the arguments that are not flags. Flags may stand before, between and after the other
// arguments. The error is flag.ErrHelp if args contain -h or --help.
func Parse(set *flag.FlagSet, args []string) (rest []string, err error) {
	output, usage := set.Output(), set.Usage
	defer func() { set.SetOutput(output); set.Usage = usage }()
	set.SetOutput(io.Discard) // the caller prints errors and help
	set.Usage = func() {}
	for {
		switch err := set.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			return nil, err
		case err != nil:
			return nil, describe(err)
		}
		args = set.Args()
		if len(args) == 0 {
			return rest, nil
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

// describe rewords an error of package flag. It writes flag names with two dashes, as users type them.
func describe(err error) error {
	name := regexp.MustCompile(`(for flag |not defined: |an argument: |" for )-`)
	text := name.ReplaceAllString(err.Error(), "$1--")
	text = strings.Replace(text, "flag provided but not defined: ", "unknown flag ", 1)
	text = strings.Replace(text, "flag needs an argument: ", "missing value for flag ", 1)
	return errors.New(strings.TrimSuffix(text, ": parse error"))
}

// Help writes the flags of set, with their defaults, to w.
func Help(w io.Writer, set *flag.FlagSet) {
	var text bytes.Buffer
	output := set.Output()
	set.SetOutput(&text)
	set.PrintDefaults()
	set.SetOutput(output)
	for line := range strings.Lines(text.String()) {
		if name, ok := strings.CutPrefix(line, "  -"); ok {
			line = "  --" + name
		}
		fmt.Fprint(w, line)
	}
}

// IntVar defines a flag for a whole number in the range [lowest, highest].
func IntVar(set *flag.FlagSet, p *int, name string, value, lowest, highest int, usage string) {
	*p = value
	set.Var(&flagValue{strconv.Itoa(value), func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < lowest || n > highest {
			return fmt.Errorf("must be a whole number from %d to %d", lowest, highest)
		}
		*p = n
		return nil
	}}, name, usage)
}

// DurationVar defines a flag for a duration of at least lowest.
func DurationVar(set *flag.FlagSet, p *time.Duration, name string, value, lowest time.Duration, usage string) {
	*p = value
	set.Var(&flagValue{value.String(), func(text string) error {
		d, err := time.ParseDuration(text)
		if err != nil || d < lowest {
			return fmt.Errorf("must be a duration of %v or more, such as 30s or 5m", lowest)
		}
		*p = d
		return nil
	}}, name, usage)
}

// ChoiceVar defines a flag for one of the given values.
func ChoiceVar(set *flag.FlagSet, p *string, name, value, usage string, choices ...string) {
	*p = value
	set.Var(&flagValue{value, func(text string) error {
		if slices.Contains(choices, text) {
			*p = text
			return nil
		}
		last := len(choices) - 1
		return fmt.Errorf("must be %s or %s", strings.Join(choices[:last], ", "), choices[last])
	}}, name, usage)
}

// AddressVar defines a flag for a network address, host:port.
func AddressVar(set *flag.FlagSet, p *string, name, value, usage string) {
	*p = value
	set.Var(&flagValue{value, func(text string) error {
		host, port, err := net.SplitHostPort(text)
		_, portErr := strconv.ParseUint(port, 10, 16)
		if err != nil || portErr != nil || strings.ContainsAny(host, "/?#@ ") {
			return errors.New("must be host:port with a port from 0 to 65535, such as 127.0.0.1:8080")
		}
		*p = text
		return nil
	}}, name, usage)
}

// FuncVar defines a flag for text. The text is invalid if check returns an error.
func FuncVar(set *flag.FlagSet, p *string, name, value, usage string, check func(text string) error) {
	*p = value
	set.Var(&flagValue{value, func(text string) error {
		if err := check(text); err != nil {
			return err
		}
		*p = text
		return nil
	}}, name, usage)
}

// flagValue is a flag.Value that keeps its text, so that the help can show the default.
type flagValue struct {
	text string
	set  func(text string) error
}

func (v *flagValue) String() string { return v.text }

func (v *flagValue) Set(text string) error {
	if err := v.set(text); err != nil {
		return err
	}
	v.text = text
	return nil
}
