package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"
)

// prefix begins the names of all settings.
const prefix = "LOYALTY_"

// UnknownNames returns the names of settings in the process's environment and in the file at path that are not in known. The
// error names those that have almost the name of a setting in known: a misspelt setting would be ignored, and the default
// may be less safe. Other unknown names may be settings of another release.
func UnknownNames(path string, known []string) (unknown []string, misspelt error) {
	names := []string{}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(letters(name), letters(prefix)) {
			names = append(names, name)
		}
	}
	if path != "" {
		lines, err := readLines(path)
		if err != nil {
			return nil, nil //nolint:nilerr // LoadWith returns this error
		}
		for _, line := range lines {
			name, _, _ := strings.Cut(line, "=")
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var errs []error
	for _, name := range slices.Compact(names) {
		if slices.Contains(known, name) || slices.Contains(known, strings.TrimSuffix(name, "_FILE")) {
			continue
		}
		unknown = append(unknown, name)
		if near := nearest(name, known); near != "" {
			errs = append(errs, fmt.Errorf("%s is not a setting: do you mean %s?", name, near))
		}
	}
	return unknown, errors.Join(errs...)
}

// nearest returns the setting that name misspells, or "".
func nearest(name string, known []string) string {
	for _, k := range known {
		for _, suffix := range []string{"", "_FILE"} {
			if misspells(letters(name), letters(k+suffix)) {
				return k + suffix
			}
		}
	}
	return ""
}

// letters returns the letters and digits of a name in upper case.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, name)
}

// misspells reports whether a becomes b if one byte is inserted, removed or replaced, or if two neighbours are swapped.
func misspells(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return max(len(a), len(b)) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}
