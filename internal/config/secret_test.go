package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/config"
)

// secretEncodings returns the bytes that editors and shells write for the line "password".
func secretEncodings() map[string]string {
	return map[string]string{
		"plain":                      "password",
		"newline":                    "password\n",
		"CRLF":                       "password\r\n",
		"byte order mark":            "\xef\xbb\xbfpassword\n",
		"byte order mark and CRLF":   "\xef\xbb\xbfpassword\r\n",
		"UTF-16, little endian":      "\xff\xfep\x00a\x00s\x00s\x00w\x00o\x00r\x00d\x00\r\x00\n\x00",
		"UTF-16, big endian":         "\xfe\xff\x00p\x00a\x00s\x00s\x00w\x00o\x00r\x00d\x00\n",
		"UTF-16 without line ending": "\xff\xfep\x00a\x00s\x00s\x00w\x00o\x00r\x00d\x00",
	}
}

func TestReadSecret(t *testing.T) {
	t.Parallel()
	for name, content := range secretEncodings() {
		if got, err := config.ReadSecret(strings.NewReader(content)); got != "password" || err != nil {
			t.Errorf("%s: ReadSecret returned %q, %v", name, got, err)
		}
		if got, err := config.ReadSecretLine(strings.NewReader(content)); got != "password" || err != nil {
			t.Errorf("%s: ReadSecretLine returned %q, %v", name, got, err)
		}
	}
	const lines = "first\nsecond\n"
	if got, err := config.ReadSecret(strings.NewReader(lines)); got != "first\nsecond" || err != nil {
		t.Errorf("ReadSecret of two lines returned %q, %v", got, err)
	}
	if got, err := config.ReadSecretLine(strings.NewReader(lines)); got != "first" || err != nil {
		t.Errorf("ReadSecretLine of two lines returned %q, %v", got, err)
	}
	if got, err := config.ReadSecretLine(strings.NewReader(" pass word \n")); got != " pass word " || err != nil {
		t.Errorf("ReadSecretLine removed spaces: %q, %v", got, err)
	}
}

func TestFilesMayHaveByteOrderMarks(t *testing.T) {
	t.Parallel()
	for name, content := range secretEncodings() {
		folder := t.TempDir()
		secret, file := filepath.Join(folder, "secret"), filepath.Join(folder, "settings")
		for path, content := range map[string]string{secret: content, file: "\xef\xbb\xbfLOYALTY_TIMEOUT=7s\r\nLOYALTY_URL_FILE=" + secret} {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := config.LoadWith[settings](file)
		if err != nil || got.URL != "password" || got.Inner.Timeout.Seconds() != 7 {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}
