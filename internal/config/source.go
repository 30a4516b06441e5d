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

// readLines returns the settings of a file as strings NAME=value. It skips empty lines and comments, which begin with "#". A
// PEM block in a value may span several lines.
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

// clean removes a leading byte order mark, trailing line endings, and spaces around the elements of a list. It returns an
// error if the value is in quotes or begins or ends with white space, because a driver may misread such a value.
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

// checkEnds returns an error if a value is in quotes, or begins or ends with white space.
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

// readFile opens the file at path and reads it with the function read.
func readFile(path string, read func(io.Reader) (string, error)) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return read(f)
}

// reason returns the text of err without the path. The value of NAME_FILE may by mistake be the secret instead of a path.
func reason(err error) string {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err
	}
	return err.Error()
}
