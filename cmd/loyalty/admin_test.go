package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadPassword(t *testing.T) {
	t.Parallel()
	for name, input := range map[string]string{
		"line":                     "password-1\n",
		"no newline":               "password-1",
		"CRLF":                     "password-1\r\n",
		"byte order mark":          "\xef\xbb\xbfpassword-1\n",
		"byte order mark and CRLF": "\xef\xbb\xbfpassword-1\r\n",
		"UTF-16":                   "\xff\xfep\x00a\x00s\x00s\x00w\x00o\x00r\x00d\x00-\x001\x00\r\x00\n\x00",
	} {
		got, err := readPassword(call{stdin: strings.NewReader(input), stderr: new(bytes.Buffer)}, "")
		if got != "password-1" || err != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	for name, input := range map[string]string{"nothing": "", "empty line": "\n", "byte order mark alone": "\xef\xbb\xbf\r\n"} {
		if got, err := readPassword(call{stdin: strings.NewReader(input), stderr: new(bytes.Buffer)}, ""); err == nil {
			t.Errorf("%s: got the password %q, want an error", name, got)
		}
	}
}

func TestReadPasswordFile(t *testing.T) {
	t.Parallel()
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if got, err := readPassword(call{}, file("password-1\n")); got != "password-1" || err != nil {
		t.Errorf("got %q, %v, want password-1", got, err)
	}
	for name, path := range map[string]string{"no file": file("") + ".missing", "empty file": file("")} {
		if got, err := readPassword(call{}, path); err == nil || !strings.Contains(err.Error(), "--password-file") {
			t.Errorf("%s: got %q, %v, want an error that names the flag", name, got, err)
		}
	}
}
