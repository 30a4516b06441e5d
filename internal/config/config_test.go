package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/config"
)

type settings struct {
	URL     string `env:"LOYALTY_URL,required,notEmpty"`
	Inner   inner
	Brokers []string `env:"LOYALTY_BROKERS"`
}

type inner struct {
	Timeout time.Duration `env:"LOYALTY_TIMEOUT" envDefault:"5s"`
}

func TestFrom(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(secret, []byte("postgres://secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := config.From[settings]([]string{"LOYALTY_URL_FILE=" + secret, "LOYALTY_BROKERS=a:1,b:2"})
	if err != nil {
		t.Fatal(err)
	}
	if got.URL != "postgres://secret" || got.Inner.Timeout != 5*time.Second || len(got.Brokers) != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestErrorsNameTheSettingAndNotItsValue(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		environ []string
		want    string
	}{
		"missing":       {nil, "LOYALTY_URL is not set"},
		"empty":         {[]string{"LOYALTY_URL="}, "LOYALTY_URL is empty"},
		"not readable":  {[]string{"LOYALTY_URL=x", "LOYALTY_TIMEOUT=hunter2"}, "LOYALTY_TIMEOUT must be a duration, for example 5s"},
		"given twice":   {[]string{"LOYALTY_URL=x", "LOYALTY_URL_FILE=/x"}, "both LOYALTY_URL and LOYALTY_URL_FILE"},
		"file not here": {[]string{"LOYALTY_URL_FILE=/does/not/exist"}, "LOYALTY_URL_FILE: the file cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.From[settings](tt.environ)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestTheEnvironmentOverridesTheFile(t *testing.T) {
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("settings", "# of the platform\nLOYALTY_URL=of the file\n\nLOYALTY_TIMEOUT=7s\n")
	for name, tt := range map[string]struct{ name, value, want string }{
		"nothing": {"LOYALTY_OTHER", "", "of the file"},
		"a value": {"LOYALTY_URL", "of the environment", "of the environment"},
		"a file":  {"LOYALTY_URL_FILE", write("secret", "of the secret\n"), "of the secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(tt.name, tt.value)
			got, err := config.LoadWith[settings](file)
			if err != nil || got.URL != tt.want || got.Inner.Timeout != 7*time.Second {
				t.Errorf("got %+v, %v, want %q", got, err, tt.want)
			}
		})
	}
}
