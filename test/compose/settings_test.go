package compose_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSettings runs `loyalty settings COMMAND` with the environment and the secrets of each container that runs loyalty. It
// fails if a required setting is missing or wrong, or if a container has a secret that its command does not read.
func TestSettings(t *testing.T) {
	p := load(t)
	program := filepath.Join(t.TempDir(), "loyalty")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", root, "-o", program, "./cmd/loyalty")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	secrets := writeSecrets(t)
	checked := 0
	for name, c := range p.Services {
		if c.Image != p.Services["users-1"].Image {
			continue
		}
		checked++
		t.Run(name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), program, "settings")
			for _, word := range c.Command[:min(len(c.Command), 2)] {
				if !strings.HasPrefix(word, "-") {
					command.Args = append(command.Args, word)
				}
			}
			for variable, value := range c.Environment {
				value = strings.Replace(interpolate(value), "/run/secrets", secrets, 1)
				command.Env = append(command.Env, variable+"="+value)
			}
			out, err := command.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %v\n%s", command.Args[1:], err, out)
				return
			}
			for variable, value := range c.Environment {
				setting, isFile := strings.CutSuffix(variable, "_FILE")
				if isFile && strings.HasPrefix(value, "/run/secrets/") && !strings.Contains(string(out), setting+" ") {
					t.Errorf("the container has %s, which the command %v does not read", variable, c.Command)
				}
			}
		})
	}
	if checked == 0 {
		t.Error("no container runs loyalty")
	}
}

// writeSecrets runs a copy of deploy/docker/secrets.sh and returns the directory of the secrets.
func writeSecrets(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(root, "deploy/docker/secrets.sh"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "secrets.sh")
	if err := os.WriteFile(path, script, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", path).CombinedOutput(); err != nil {
		t.Fatalf("secrets.sh: %v\n%s", err, out)
	}
	return filepath.Join(filepath.Dir(path), "secrets")
}

// interpolate replaces ${NAME:-default} by the default.
func interpolate(value string) string {
	return regexp.MustCompile(`\$\{[A-Z_]+:-([^}]*)\}`).ReplaceAllString(value, "$1")
}
