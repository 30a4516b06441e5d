// Package config reads a process's settings from its environment and from a settings file. No other package reads the
// environment.
//
// A setting NAME may also be given as NAME_FILE, the path of a file that holds the value, as secrets are mounted. Errors
// name every setting that is missing or wrong and show an example of a right value. They never show the value itself,
// because it may be a secret.
package config

import (
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Checker is implemented by a settings struct, or a struct inside it, whose fields depend on each other. Check is called
// after all fields of the struct have been read without an error; it names the settings in its error.
type Checker interface {
	Check() error
}

// Load reads the settings T, a struct whose fields have env tags, from the process's environment.
func Load[T any]() (T, error) { return From[T](os.Environ()) }

// LoadWith reads the settings T from the process's environment and from the file at path, which holds lines NAME=value.
// The environment overrides the file. An empty path means no file.
func LoadWith[T any](path string) (T, error) {
	if path == "" {
		return Load[T]()
	}
	lines, err := readLines(path)
	if err != nil {
		var settings T
		return settings, err
	}
	return parse[T](lines, os.Environ())
}

// From reads the settings T from environ, lines NAME=value.
func From[T any](environ []string) (T, error) { return parse[T](environ) }

// parse reads settings from sources. Later sources override earlier ones.
func parse[T any](sources ...[]string) (T, error) {
	var settings T
	r := reader{values: map[string]string{}, wrong: map[string]string{}}
	for _, lines := range sources {
		given := env.ToMap(lines)
		r.readFiles(given)
		maps.Copy(r.values, given)
	}
	r.fill(reflect.ValueOf(&settings).Elem())
	if len(r.messages) > 0 {
		return settings, errors.New("settings: " + strings.Join(r.messages, "; "))
	}
	return settings, nil
}

// reader fills structs with settings and collects what is wrong with them.
type reader struct {
	values   map[string]string
	wrong    map[string]string // what is wrong with a value before it is parsed, by name
	messages []string          // in the order of the fields
}

// fill sets the fields of v, a struct, and reports whether all of them could be read. Each setting is parsed alone, because
// an error of the parser names a field, and several structs may have a field of that name.
func (r *reader) fill(v reflect.Value) bool {
	ok := true
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
		switch {
		case name != "":
			ok = r.fillField(name, field, v.Field(i)) && ok
		case field.Type.Kind() == reflect.Struct && field.IsExported():
			ok = r.fill(v.Field(i)) && ok
		}
	}
	if c, checks := reflect.TypeAssert[Checker](v); checks && ok {
		if err := c.Check(); err != nil {
			r.messages = append(r.messages, strings.Split(err.Error(), "\n")...)
			return false
		}
	}
	return ok
}

func (r *reader) fillField(name string, field reflect.StructField, target reflect.Value) bool {
	value, err := clean(r.values[name], field.Type)
	if wrong := r.wrong[name]; wrong != "" {
		r.messages = append(r.messages, wrong)
		return false
	}
	if err != nil {
		r.messages = append(r.messages, name+" "+err.Error())
		return false
	}
	vars := map[string]string{}
	if _, given := r.values[name]; given {
		vars[name] = value
	}
	field.Name = "Setting"
	alone := reflect.New(reflect.StructOf([]reflect.StructField{field}))
	if err := env.ParseWithOptions(alone.Interface(), env.Options{Environment: vars}); err != nil {
		r.messages = append(r.messages, name+" "+describe(err, field))
		return false
	}
	target.Set(alone.Elem().Field(0))
	return true
}

// readFiles replaces each setting NAME_FILE in vars by NAME with the content of the file.
func (r *reader) readFiles(vars map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		plain, ok := strings.CutSuffix(name, "_FILE")
		if !ok || !strings.HasPrefix(name, "LOYALTY_") {
			continue
		}
		delete(r.wrong, plain)
		if _, both := vars[plain]; both {
			r.wrong[plain] = "both " + plain + " and " + name + " are set"
			continue
		}
		content, err := readFile(vars[name], ReadSecret)
		if err != nil {
			r.wrong[plain] = name + ": the file cannot be read: " + reason(err)
		}
		vars[plain] = content
	}
}
