package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/casino-loyalty/loyalty/internal/config"
	"github.com/casino-loyalty/loyalty/internal/printable"
)

// reader is a command with the settings that it reads.
type reader struct {
	command  string // a command, or a command and a subcommand that reads other settings
	settings []config.Setting
	load     func(path string) error
}

// reads declares that a command reads the settings T.
func reads[T any](command string) reader {
	return reader{command, config.Settings[T](), func(path string) error {
		_, err := config.LoadWith[T](path)
		return err
	}}
}

// readers returns all commands that read settings.
func readers() []reader {
	return []reader{
		reads[usersSettings]("users"),
		reads[promotionsSettings]("promotions"),
		reads[notificationsSettings]("notifications"),
		reads[migrateSettings]("migrate"),
		reads[adminSettings]("admin"),
		reads[checkSettings]("check"),
		reads[verifySettings]("verify"),
		reads[busSettings]("events"),
		reads[verifySettings]("events republish"),
		reads[resyncSettings]("events resync"),
		reads[backupSettings]("backup"),
		reads[ledgerSettings]("ledger"),
		reads[healthSettings]("health"),
	}
}

// readerOf returns the settings of a command that was given as one or two words.
func readerOf(words []string) (reader, bool) {
	all := readers()
	for n := len(words); n > 0; n-- {
		command := strings.Join(words[:n], " ")
		if i := slices.IndexFunc(all, func(r reader) bool { return r.command == command }); i >= 0 {
			return all[i], true
		}
	}
	return reader{}, false
}

// settingNames returns the names of the settings of all commands.
func settingNames() []string {
	var all []string
	for _, r := range readers() {
		for _, s := range r.settings {
			all = append(all, s.Name)
		}
	}
	return all
}

// runSettings prints all settings, or reads the settings of a command as the command does and prints their names. It warns
// about settings that this release does not know.
func runSettings(_ context.Context, c call) error {
	if err := c.flags("settings", 2, nil); err != nil {
		return err
	}
	if len(c.args) == 0 {
		_, err := io.WriteString(c.stdout, settingsDocument())
		return err
	}
	r, found := readerOf(c.args)
	if !found {
		return fmt.Errorf("%w: the command %q reads no settings", errUsage, strings.Join(c.args, " "))
	}
	if err := r.load(c.settings); err != nil {
		return err
	}
	unknown, err := config.UnknownNames(c.settings, settingNames())
	if err != nil {
		return err
	}
	for _, name := range unknown {
		fmt.Fprintf(c.stderr, "loyalty: %s is not a setting of this release, and is ignored\n", printable.Escape(name))
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	for _, s := range r.settings {
		fmt.Fprintf(w, "%s\t%s\n", s.Name, presence(s))
	}
	return w.Flush()
}

// presence says whether a setting must be given, and what replaces it.
func presence(s config.Setting) string {
	switch {
	case s.Required:
		return "required"
	case s.Default != "":
		return s.Default
	}
	return "none"
}

// settingsDocument returns docs/settings.md.
func settingsDocument() string {
	var b strings.Builder
	b.WriteString(settingsIntroduction)
	for _, section := range settingSections() {
		fmt.Fprintf(&b, "\n## %s\n\n| setting | meaning | default | in production | read by |\n|---|---|---|---|---|\n",
			section.title)
		for _, row := range section.rows {
			setting, commands := declaration(row.name)
			fallback := presence(setting)
			if setting.Default != "" {
				fallback = "`" + fallback + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", row.name, row.about, fallback, row.production, commands)
		}
	}
	return b.String()
}

// declaration returns the declaration of a setting and the commands that read it. A setting that is required by one command
// and optional for another counts as required.
func declaration(name string) (config.Setting, string) {
	var found config.Setting
	var commands []string
	for _, r := range readers() {
		for _, s := range r.settings {
			if s.Name != name {
				continue
			}
			s.Required = s.Required || found.Required
			found = s
			if !slices.Contains(commands, r.command) {
				commands = append(commands, r.command)
			}
		}
	}
	all := strings.Join(commands, ", ")
	return found, strings.Replace(all, "users, promotions, notifications", "services", 1)
}
