package config_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
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
	got, err := config.From[settings]([]string{"LOYALTY_URL_FILE=" + secret, "LOYALTY_BROKERS=a:1, b:2"})
	if err != nil {
		t.Fatal(err)
	}
	if got.URL != "postgres://secret" || got.Inner.Timeout != 5*time.Second || fmt.Sprint(got.Brokers) != "[a:1 b:2]" {
		t.Errorf("got %+v", got)
	}
}

func TestErrorsNameTheSettingAndNotItsValue(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		environ []string
		want    string
	}{
		"missing":           {nil, "LOYALTY_URL is not set"},
		"empty":             {[]string{"LOYALTY_URL="}, "LOYALTY_URL is empty"},
		"double quotes":     {[]string{`LOYALTY_URL="hunter2"`}, "LOYALTY_URL is in quotes"},
		"single quotes":     {[]string{`LOYALTY_URL='hunter2'`}, "LOYALTY_URL is in quotes"},
		"quotes and CRLF":   {[]string{"LOYALTY_URL=\"hunter2\"\r\n"}, "LOYALTY_URL is in quotes"},
		"space before":      {[]string{"LOYALTY_URL= hunter2"}, "LOYALTY_URL begins or ends with white space"},
		"tab after":         {[]string{"LOYALTY_URL=hunter2\t"}, "LOYALTY_URL begins or ends with white space"},
		"not a duration":    {[]string{"LOYALTY_URL=x", "LOYALTY_TIMEOUT=hunter2"}, "LOYALTY_TIMEOUT must be a duration, for example 5s"},
		"list with a quote": {[]string{"LOYALTY_URL=x", `LOYALTY_BROKERS=a:1,"hunter2"`}, "LOYALTY_BROKERS has an element that is in quotes"},
		"empty element":     {[]string{"LOYALTY_URL=x", "LOYALTY_BROKERS=a:1,,hunter2"}, "LOYALTY_BROKERS has an empty element"},
		"given twice":       {[]string{"LOYALTY_URL=x", "LOYALTY_URL_FILE=/hunter2"}, "both LOYALTY_URL and LOYALTY_URL_FILE"},
		"no such file":      {[]string{"LOYALTY_URL_FILE=/hunter2"}, "LOYALTY_URL_FILE: the file cannot be read: no such file"},
		"all errors":        {[]string{"LOYALTY_TIMEOUT=hunter2"}, "LOYALTY_URL is not set; LOYALTY_TIMEOUT must be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.From[settings](tt.environ)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v, want an error with %q and without the value", err, tt.want)
			}
		})
	}
}

func TestLineEndingsAndByteOrderMarksAreRemoved(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"x", "x\r", "x\r\n", "x\n\n", "\ufeffx", "\ufeffx\r\n"} {
		got, err := config.From[settings]([]string{"LOYALTY_URL=" + value, "LOYALTY_TIMEOUT=7s\r"})
		if err != nil || got.URL != "x" || got.Inner.Timeout != 7*time.Second {
			t.Errorf("%q: settings %+v, %v", value, got, err)
		}
	}
}

type color string

func (c *color) UnmarshalText(text []byte) error {
	*c = color(text)
	return config.OneOf(string(text), "red", "green")
}

// everyType has a setting of every supported type. Redis and Kafka have fields of the same name.
type everyType struct {
	Duration time.Duration        `env:"DURATION"`
	Bool     bool                 `env:"BOOL"`
	Int      int                  `env:"INT"      envDefault:"12"`
	Uint     uint32               `env:"UINT"`
	Float    float64              `env:"FLOAT"`
	Level    slog.Level           `env:"LEVEL"`
	Address  netip.Addr           `env:"IP"`
	Networks []netip.Prefix       `env:"NETWORKS"`
	Color    color                `env:"COLOR"`
	Postgres config.PostgresURL   `env:"POSTGRES"`
	Mongo    config.MongoURL      `env:"MONGO"`
	NATS     config.NATSURL       `env:"NATS"`
	HTTP     config.HTTPURL       `env:"HTTP"`
	Server   config.Address       `env:"SERVER"`
	Servers  []config.Address     `env:"SERVERS"`
	Listen   config.ListenAddress `env:"LISTEN"`
	Redis    struct {
		TLS bool `env:"REDIS_TLS"`
	}
	Kafka struct {
		TLS bool `env:"KAFKA_TLS"`
	}
}

func TestErrorsDescribeValidValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ setting, invalid, valid, want string }{
		{"DURATION", "5", "5s", "must be a duration, for example 30s (units: ms, s, m, h)"},
		{"BOOL", "yes", "true", "must be true or false"},
		{"INT", "12.5", "13", "must be a whole number with at most 64 bits, for example 12"},
		{"UINT", "-1", "1", "must be a whole number that is not negative, for example 3"},
		{"FLOAT", "0,5", "0.5", "must be a number, for example 0.5"},
		{"LEVEL", "verbose", "DEBUG", "must be one of DEBUG, INFO, WARN, ERROR"},
		{"IP", "localhost", "127.0.0.1", "must be an IP address, for example 10.0.0.1"},
		{"NETWORKS", "10.0.0.1", "10.0.0.0/8, 192.0.2.1/32", "each element a network, for example 10.0.0.0/8"},
		{"COLOR", "blue", "green", "must be one of red, green"},
		{"POSTGRES", "mysql://u:hunter2@h/d", "postgres://u:p@h/d", "an example is postgres://user:password@host:5432/database"},
		{"MONGO", "h:27017", "mongodb://h", "an example is mongodb://user:password@host:27017/?replicaSet=rs0"},
		{"NATS", "h:4222", "nats://h", "an example is nats://user:password@host:4222"},
		{"HTTP", "h:80/keys", "http://h/keys", "an example is http://host:8080/path"},
		{"SERVER", "redis://:hunter2@h:6379", "h:6379", "must be an address and not a URL: host:port"},
		{"SERVER", "h", "h:6379", "must be host:port, for example"},
		{"SERVER", ":6379", "[::1]:6379", "must be host:port, for example"},
		{"SERVER", "h:0", "h:1", "must have a port from 1 to 65535"},
		{"SERVERS", "h:1,h", "h:1,h:2", "must be host:port, for example"},
		{"LISTEN", "8080", ":8080", "must be host:port or :port, for example :8080"},
		{"LISTEN", ":http", "127.0.0.1:0", "must have a port from 0 to 65535"},
		{"REDIS_TLS", "on", "true", "must be true or false"},
		{"KAFKA_TLS", "on", "true", "must be true or false"},
	} {
		_, err := config.From[everyType]([]string{tt.setting + "=" + tt.invalid})
		if err == nil || !strings.HasPrefix(err.Error(), "settings: "+tt.setting+" ") || !strings.Contains(err.Error(), tt.want) ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s=%s: error %v, want %q", tt.setting, tt.invalid, err, tt.want)
		}
		if _, err := config.From[everyType]([]string{tt.setting + "=" + tt.valid}); err != nil {
			t.Errorf("%s=%s: error %v, want none", tt.setting, tt.valid, err)
		}
	}
}

type pair struct {
	User     string        `env:"USERNAME"`
	Password string        `env:"PASSWORD"`
	Timeout  time.Duration `env:"TIMEOUT"`
}

func (p pair) Check() error {
	if (p.User == "") != (p.Password == "") {
		return errors.New("USERNAME and PASSWORD must be set together")
	}
	return nil
}

func TestCheckRunsOnlyIfTheStructIsRead(t *testing.T) {
	t.Parallel()
	type both struct {
		URL  string `env:"URL,required"`
		Pair pair
	}
	for name, tt := range map[string]struct {
		environ []string
		want    string
	}{
		"struct read":     {[]string{"USERNAME=u"}, "settings: URL is not set; USERNAME and PASSWORD must be set together"},
		"struct not read": {[]string{"URL=x", "USERNAME=u", "TIMEOUT=x"}, "settings: TIMEOUT must be"},
	} {
		_, err := config.From[both](tt.environ)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Count(err.Error(), ";") != strings.Count(tt.want, ";") {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
	if _, err := config.From[both]([]string{"URL=x", "USERNAME=u", "PASSWORD=p"}); err != nil {
		t.Error(err)
	}
}

func TestEnvironmentOverridesTheFile(t *testing.T) {
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("settings", "# comment\nLOYALTY_URL=from the file\n\nLOYALTY_TIMEOUT=7s\n")
	for name, tt := range map[string]struct{ name, value, want string }{
		"not set":     {"LOYALTY_OTHER", "", "from the file"},
		"value":       {"LOYALTY_URL", "from the environment", "from the environment"},
		"secret file": {"LOYALTY_URL_FILE", write("secret", "from the secret\n"), "from the secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(tt.name, tt.value)
			got, err := config.LoadWith[settings](file)
			if err != nil || got.URL != tt.want || got.Inner.Timeout != 7*time.Second {
				t.Errorf("got %+v, %v, want %q", got, err, tt.want)
			}
		})
	}
	for name, line := range map[string]string{"no value": "hunter2", "quoted name": `"LOYALTY_URL=hunter2"`} {
		_, err := config.LoadWith[settings](write("wrong", "LOYALTY_TIMEOUT=7s\n"+line))
		if err == nil || !strings.Contains(err.Error(), "line 2 is not NAME=value") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v, want the line's number", name, err)
		}
	}
}

func ExampleFrom() {
	type redisSettings struct {
		Address config.Address `env:"LOYALTY_REDIS_ADDRESS,required"`
		Timeout time.Duration  `env:"LOYALTY_REDIS_TIMEOUT"          envDefault:"3s"`
	}
	s, err := config.From[redisSettings]([]string{"LOYALTY_REDIS_ADDRESS=redis:6379"})
	fmt.Println(s.Address, s.Timeout, err)
	_, err = config.From[redisSettings]([]string{"LOYALTY_REDIS_TIMEOUT=3"})
	fmt.Println(err)
	// Output:
	// redis:6379 3s <nil>
	// settings: LOYALTY_REDIS_ADDRESS is not set; LOYALTY_REDIS_TIMEOUT must be a duration, for example 3s (units: ms, s, m, h)
}
