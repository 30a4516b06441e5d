package config

import (
	"reflect"
	"slices"
	"strings"
)

// Setting is the declaration of a setting.
type Setting struct {
	Name     string
	Default  string // in the form in which a setting is written; empty if there is none
	Required bool
}

// Settings returns the declarations of the settings T, in the order of the fields. Required is false for a setting that is
// required only by a method Check.
func Settings[T any]() []Setting { return declared(reflect.TypeFor[T]()) }

func declared(t reflect.Type) []Setting {
	var all []Setting
	for field := range t.Fields() {
		options := strings.Split(field.Tag.Get("env"), ",")
		switch {
		case options[0] != "":
			s := Setting{Name: options[0], Default: field.Tag.Get("envDefault"), Required: slices.Contains(options, "required")}
			if s.Default == "" && field.Type.Kind() == reflect.Bool {
				s.Default = "false"
			}
			all = append(all, s)
		case field.Type.Kind() == reflect.Struct && field.IsExported():
			all = append(all, declared(field.Type)...)
		}
	}
	return all
}
