package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/golden"
	"github.com/casino-loyalty/loyalty/services/users/app"
)

func TestSettingsDocument(t *testing.T) {
	t.Parallel()
	golden.Compare(t, "../../docs/settings.md", settingsDocument())
}

// TestSettingsAreDescribed compares the declared settings with settingSections.
func TestSettingsAreDescribed(t *testing.T) {
	t.Parallel()
	described := map[string]bool{}
	for _, section := range settingSections() {
		for _, row := range section.rows {
			if described[row.name] {
				t.Errorf("settings_table.go describes %s twice", row.name)
			}
			described[row.name] = true
			if row.about == "" || row.production == "" {
				t.Errorf("settings_table.go: %s has no meaning or no value for production", row.name)
			}
			if _, commands := declaration(row.name); commands == "" {
				t.Errorf("settings_table.go describes %s, which no command reads: remove it", row.name)
			}
		}
	}
	for _, r := range readers() {
		for _, s := range r.settings {
			if !described[s.Name] {
				t.Errorf("%s reads %s: describe it in settings_table.go and run make golden", r.command, s.Name)
			}
		}
	}
}

// TestReadersAreComplete checks that readers names every type of settings that a command loads, and every setting of this
// package.
func TestReadersAreComplete(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	source := map[bool]string{} // without and with show_settings.go
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source[file == "show_settings.go"] += string(text)
	}
	loaded := regexp.MustCompile(`config\.LoadWith\[(\w+)\]`).FindAllStringSubmatch(source[false], -1)
	if len(loaded) == 0 {
		t.Error("no command loads settings")
	}
	for _, m := range loaded {
		if !strings.Contains(source[true], "reads["+m[1]+"]") {
			t.Errorf("readers in show_settings.go lacks %s", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`env:"(LOYALTY_[A-Z0-9_]+)`).FindAllStringSubmatch(source[false], -1) {
		if _, commands := declaration(m[1]); commands == "" {
			t.Errorf("no command in readers reads %s", m[1])
		}
	}
}

func TestReadersAreCommands(t *testing.T) {
	t.Parallel()
	for _, r := range readers() {
		name, _, _ := strings.Cut(r.command, " ")
		if !slices.ContainsFunc(commands(), func(c command) bool { return c.name == name }) {
			t.Errorf("there is no command %s", r.command)
		}
	}
}

// TestShowSettings checks that the command settings reads the settings of another command as that command does.
func TestShowSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "settings")
	lines := "LOYALTY_USERS_DATABASE_URL=postgres://u:hunter2@localhost/d\n"
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		args           string
		code           int
		stdout, stderr string
	}{
		"complete":               {"migrate up", 0, "LOYALTY_USERS_DATABASE_URL", ""},
		"missing":                {"ledger", 1, "", "LOYALTY_LEDGER_KEY is not set"},
		"missing in a check":     {"events", 1, "", "LOYALTY_KAFKA_BROKERS is not set"},
		"subcommand":             {"events republish", 1, "", "LOYALTY_PROMOTIONS_DATABASE_URL is not set"},
		"subcommand without own": {"events topics", 1, "", "LOYALTY_KAFKA_BROKERS is not set"},
		"no settings":            {"keygen", 2, "", `the command "keygen" reads no settings`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := run(t, append([]string{"settings", "--settings", file}, strings.Fields(tt.args)...)...)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit %d, stdout %q, stderr %q; want exit %d, %q, %q", code, stdout, stderr, tt.code, tt.stdout, tt.stderr)
			}
			if strings.Contains(stdout+stderr, "hunter2") {
				t.Errorf("the output has a secret: %q, %q", stdout, stderr)
			}
		})
	}
	if code, stdout, _ := run(t, "settings"); code != 0 || stdout != settingsDocument() {
		t.Errorf("without a command: exit %d and %d bytes, want the document", code, len(stdout))
	}
}

func TestDefaultLimitsMatchTheSettings(t *testing.T) {
	t.Parallel()
	settings, err := config.From[limitSettings](nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := settings.limits(), app.DefaultLimits(); got != want {
		t.Errorf("the settings have the defaults %+v, DefaultLimits in services/users/limits.go has %+v: "+
			"change the envDefault tags in users.go, too", got, want)
	}
}

// TestMisspeltSettings checks that commands refuse a setting whose name is almost that of another. Without it, second factors
// would not be required here.
func TestMisspeltSettings(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(path, []byte("LOYALTY_MFA_REQUIRE=true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"users"}, {"check"}, {"settings", "users"}, {"events", "dead", "players"}} {
		code, _, stderr := run(t, append(command, "--settings", path)...)
		const want = "LOYALTY_MFA_REQUIRE is not a setting: do you mean LOYALTY_MFA_REQUIRED?"
		if code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit code %d and %q, want 1 and %q", command, code, stderr, want)
		}
	}
}

// TestNamesDiffer checks that no setting is a misspelling of another, so that a release refuses no setting of the next one.
func TestNamesDiffer(t *testing.T) {
	t.Parallel()
	all := settingNames()
	for _, name := range all {
		others := slices.DeleteFunc(slices.Clone(all), func(other string) bool { return other == name })
		path := filepath.Join(t.TempDir(), "env")
		if err := os.WriteFile(path, []byte(name+"=x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.UnknownNames(path, others); err != nil {
			t.Errorf("%v: give one of them a name that differs more", err)
		}
	}
}
