package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"time"

	"github.com/caarlos0/env/v11"
)

// ValueError is an error of a setting's UnmarshalText that can be shown, because it does not contain the value. Text
// continues a sentence that begins with the setting's name, such as "must be one of kafka, nats".
type ValueError struct{ Text string }

func (e *ValueError) Error() string { return e.Text }

// describe returns the problem with a setting, without its value. The text continues a sentence that begins with the
// setting's name.
func describe(err error, field reflect.StructField) string {
	if _, unset := errors.AsType[env.VarIsNotSetError](err); unset {
		return "is not set"
	}
	if _, empty := errors.AsType[env.EmptyVarError](err); empty {
		return "is empty"
	}
	if shown := valueError(err); shown != nil {
		return shown.Text
	}
	return "must be " + expected(field.Type, field.Tag.Get("envDefault"))
}

// valueError finds a ValueError in err. errors.As cannot find it, because the parser's errors do not unwrap to it.
func valueError(err error) *ValueError {
	if all, ok := errors.AsType[env.AggregateError](err); ok {
		for _, e := range all.Errors {
			if parse, ok := errors.AsType[env.ParseError](e); ok {
				if shown, ok := errors.AsType[*ValueError](parse.Err); ok {
					return shown
				}
			}
		}
	}
	return nil
}

// expected describes the valid values of a type. It shows example, or a built-in example if example is empty.
func expected(t reflect.Type, example string) string {
	or := func(other string) string {
		if example == "" {
			return other
		}
		return example
	}
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration, for example " + or("30s") + " (units: ms, s, m, h)"
	case reflect.TypeFor[netip.Prefix]():
		return "a network, for example " + or("10.0.0.0/8")
	case reflect.TypeFor[netip.Addr]():
		return "an IP address, for example " + or("10.0.0.1")
	case reflect.TypeFor[slog.Level]():
		return "one of DEBUG, INFO, WARN, ERROR"
	}
	switch t.Kind() { //nolint:exhaustive // other kinds are text or parse themselves
	case reflect.Slice:
		return "a list separated by commas, each element " + expected(t.Elem(), example)
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return fmt.Sprintf("a whole number with at most %d bits, for example %s", t.Bits(), or("3"))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number that is not negative, for example " + or("3")
	case reflect.Float32, reflect.Float64:
		return "a number, for example " + or("0.5")
	}
	return "text of another form"
}
