// Package config reads a process's settings from its environment and from a settings file. Services read settings only
// through this package.
//
// A setting NAME may also be given as NAME_FILE, the path of a file that contains the value, such as a mounted secret.
// Errors name every missing or invalid setting and show an example of a valid value. They never show the value itself,
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

// Checker is implemented by a settings struct, or a nested struct, if its fields depend on each other. Check is called after
// all fields of the struct have been read without an error. Its error must name the settings.
type Checker interface {
	Check() error
}

// Load reads the settings T from the process's environment. T is a struct with env tags on its fields.
func Load[T any]() (T, error) { return From[T](os.Environ()) }

// LoadWith reads the settings T from the process's environment and from the file at path. The file consists of lines
// NAME=value. The environment overrides the file. An empty path means no file.
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

// From reads the settings T from environ, a list of strings NAME=value.
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

// reader fills structs with settings and collects the error messages.
type reader struct {
	values   map[string]string
	wrong    map[string]string // error messages found before parsing, by setting name
	messages []string          // in the order of the fields
}

// fill sets the fields of the struct v and reports whether all settings are valid. It parses each setting separately. The
// parser's errors name only the field, and several structs may have a field of the same name.
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

// readFiles adds to vars a setting NAME for each LOYALTY_ setting NAME_FILE. Its value is the content of the file.
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
