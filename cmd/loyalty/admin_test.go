package main

import (
	"bytes"
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
		got, err := readPassword(call{stdin: strings.NewReader(input), stderr: new(bytes.Buffer)})
		if got != "password-1" || err != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	for name, input := range map[string]string{"nothing": "", "empty line": "\n", "byte order mark alone": "\xef\xbb\xbf\r\n"} {
		if got, err := readPassword(call{stdin: strings.NewReader(input), stderr: new(bytes.Buffer)}); err == nil {
			t.Errorf("%s: got the password %q, want an error", name, got)
		}
	}
}
