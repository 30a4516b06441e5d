package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/services/users/app"
)

// TestReadmeListsEverySetting compares the env tags of this package with the table of settings in README.md.
func TestReadmeListsEverySetting(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // the row of each setting
	for line := range strings.Lines(string(readme)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			continue
		}
		for _, m := range regexp.MustCompile("`(LOYALTY_[A-Z_]+)`").FindAllStringSubmatch(cells[1], -1) {
			rows[m[1]] = line
		}
	}
	tags := settingTags(t)
	for name, value := range tags {
		row, listed := rows[name]
		if !listed {
			t.Errorf("the table of settings in README.md lacks %s: add a row", name)
		} else if value != "" && !strings.Contains(row, "`"+value+"`") {
			t.Errorf("%s has the default %q, README.md has the row %q: change the row", name, value, row)
		}
	}
	for name := range rows {
		if _, exists := tags[name]; !exists {
			t.Errorf("the table of settings in README.md lists %s, which no env tag in cmd/loyalty names: remove it", name)
		}
	}
}

// settingTags returns the default of each setting that an env tag of this package names.
func settingTags(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tag := regexp.MustCompile(`env:"(LOYALTY_[A-Z_]+)[^"]*"(?: +envDefault:"([^"]*)")?`)
		for _, m := range tag.FindAllStringSubmatch(string(source), -1) {
			tags[m[1]] = m[2]
		}
	}
	return tags
}

func TestDefaultLimitsMatchTheSettings(t *testing.T) {
	t.Parallel()
	settings, err := config.From[limitSettings](nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := settings.limits(), app.DefaultLimits(); got != want {
		t.Errorf("the settings have the defaults %+v, DefaultLimits in services/users/limits.go has %+v: "+
			"change the envDefault tags in users.go and the table in README.md, too", got, want)
	}
}
