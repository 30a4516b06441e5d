// Package config reads a process's settings from its environment. It is the only package that does.
package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Load fills a struct whose fields carry env tags from the process's environment. A setting NAME may also be given as
// NAME_FILE, a file that holds its value, as secrets are mounted. Every setting that is missing or cannot be read is
// named in the error; their values are not.
func Load[T any]() (T, error) { return From[T](os.Environ()) }

// LoadWith is Load over the process's environment and the settings of a file, lines NAME=value, which the environment
// overrides, whether as NAME or as NAME_FILE. An empty path is Load.
func LoadWith[T any](path string) (T, error) {
	if path == "" {
		return Load[T]()
	}
	content, err := readFile(path, ReadText)
	if err != nil {
		var settings T
		return settings, fmt.Errorf("settings: %w", err)
	}
	var lines []string
	for line := range strings.Lines(content) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return parse[T](lines, os.Environ())
}

// From is Load over the given environment, lines "NAME=value".
func From[T any](environ []string) (T, error) { return parse[T](environ) }

// parse reads settings from sources, the later ones of which override the earlier ones.
func parse[T any](sources ...[]string) (T, error) {
	var settings T
	vars := map[string]string{}
	for _, lines := range sources {
		given, err := withFiles(env.ToMap(lines))
		if err != nil {
			return settings, err
		}
		maps.Copy(vars, given)
	}
	err := env.ParseWithOptions(&settings, env.Options{Environment: vars})
	if err == nil {
		return settings, nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return settings, fmt.Errorf("settings: %w", err)
	}
	var wrong []string
	for _, e := range all.Errors {
		wrong = append(wrong, describe(e, reflect.TypeFor[T]()))
	}
	return settings, fmt.Errorf("settings: %s", strings.Join(wrong, "; "))
}

// describe names a setting that is wrong without its value, which may be a secret.
func describe(err error, settings reflect.Type) string {
	var (
		unset env.VarIsNotSetError
		empty env.EmptyVarError
		parse env.ParseError
	)
	switch {
	case errors.As(err, &unset):
		return unset.Key + " is not set"
	case errors.As(err, &empty):
		return empty.Key + " is empty"
	case errors.As(err, &parse):
		return fmt.Sprintf("%s cannot be read as %s", nameOf(settings, parse.Name), parse.Type)
	}
	return "a setting cannot be read"
}

// nameOf returns the setting that fills a field, which may be one of a struct inside.
func nameOf(settings reflect.Type, field string) string {
	for _, f := range reflect.VisibleFields(settings) {
		tag, _, _ := strings.Cut(f.Tag.Get("env"), ",")
		if f.Name == field && tag != "" {
			return tag
		}
		if f.Type.Kind() == reflect.Struct && tag == "" {
			if name := nameOf(f.Type, field); name != field {
				return name
			}
		}
	}
	return field
}

func withFiles(vars map[string]string) (map[string]string, error) {
	for name, path := range vars {
		plain, ok := strings.CutSuffix(name, "_FILE")
		if !ok || !strings.HasPrefix(name, "LOYALTY_") {
			continue
		}
		if _, both := vars[plain]; both {
			return nil, fmt.Errorf("settings: both %s and %s are set", plain, name)
		}
		content, err := readFile(path, ReadSecret)
		if err != nil {
			return nil, fmt.Errorf("settings: %s: the file cannot be read: %w", name, errors.Unwrap(err))
		}
		vars[plain] = content
	}
	return vars, nil
}

// readFile reads the file at path with read.
func readFile(path string, read func(io.Reader) (string, error)) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return read(f)
}
