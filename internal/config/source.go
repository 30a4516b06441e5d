package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
)

// readLines reads a settings file: lines NAME=value, comments that begin with "#", empty lines. A value that begins a PEM
// block goes on to the block's end.
func readLines(path string) ([]string, error) {
	content, err := readFile(path, ReadText)
	if err != nil {
		return nil, fmt.Errorf("settings file %s cannot be read: %s", path, reason(err))
	}
	var lines []string
	inPEM := false
	for i, line := range strings.Split(content, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case inPEM:
			lines[len(lines)-1] += "\n" + line
		case line == "", strings.HasPrefix(line, "#"):
			continue
		default:
			line = strings.TrimSpace(strings.TrimPrefix(line, "export "))
			if name, _, ok := strings.Cut(line, "="); !ok || strings.ContainsAny(name, " \t\"'") {
				return nil, fmt.Errorf("settings file %s: line %d is not NAME=value", path, i+1)
			}
			lines = append(lines, line)
		}
		last := lines[len(lines)-1]
		inPEM = strings.Contains(last, pemBegin) && strings.LastIndex(last, pemBegin) > strings.LastIndex(last, pemEnd)
	}
	return lines, nil
}

// clean removes from a value what editors, shells and env files add: a byte order mark, line endings at the end, spaces
// around the elements of a list. It refuses quotes and white space around the value: they are part of no setting, and a
// driver may read such a value as something else.
func clean(value string, t reflect.Type) (string, error) {
	value = strings.TrimRight(strings.TrimPrefix(value, "\ufeff"), "\r\n")
	if t == reflect.TypeFor[PEM]() {
		value = strings.TrimSpace(value)
	}
	if err := checkEnds(value); err != nil {
		return "", err
	}
	if t.Kind() != reflect.Slice || value == "" {
		return value, nil
	}
	parts := strings.Split(value, ",")
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part)
		if parts[i] == "" {
			return "", errors.New("has an empty element: separate the elements by one comma each")
		}
		if err := checkEnds(parts[i]); err != nil {
			return "", fmt.Errorf("has an element that %w", err)
		}
	}
	return strings.Join(parts, ","), nil
}

// checkEnds refuses a value in quotes and a value with white space around it.
func checkEnds(value string) error {
	const quotes = "\"'`\u201c\u201d\u201e\u2018\u2019"
	inner := strings.TrimLeft(value, quotes)
	switch {
	case inner != value && strings.TrimRight(inner, quotes) != inner, value != "" && inner == "":
		return errors.New("is in quotes: remove the quotes")
	case strings.TrimSpace(value) != value:
		return errors.New("begins or ends with white space: remove it")
	}
	return nil
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

// reason returns the text of err without the path. The path of NAME_FILE may be the secret itself, put there by mistake.
func reason(err error) string {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err
	}
	return err.Error()
}
