package helm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestSettings runs `loyalty settings COMMAND` with the environment of each container of the chart, and with Secrets that have
// the keys that README.md names. It fails if a required setting is missing or wrong.
func TestSettings(t *testing.T) {
	program := filepath.Join(t.TempDir(), "loyalty")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../..", "-o", program, "./cmd/loyalty")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	secrets := documentedSecrets(t, program)
	checked := 0
	for name, pod := range pods(render(t, minimal())) {
		container := pod.Spec.Containers[0]
		if !strings.Contains(container.Image, "loyalty") {
			continue
		}
		checked++
		t.Run(name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), program, "settings")
			for _, word := range container.Args[:min(len(container.Args), 2)] {
				if !strings.HasPrefix(word, "-") {
					command.Args = append(command.Args, word)
				}
			}
			command.Env = secretVariables(t, secrets, container)
			for variable, value := range environment(t, pod) {
				command.Env = append(command.Env, variable+"="+value)
			}
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s", command.Args[1:], err, out)
			}
		})
	}
	if want := 5; checked != want {
		t.Errorf("%d containers run loyalty, want %d: the services and the jobs", checked, want)
	}
}

// secretVariables returns the variables that the container gets from Secrets.
func secretVariables(t *testing.T, secrets map[string][]string, container corev1.Container) []string {
	t.Helper()
	var variables []string
	for _, source := range container.EnvFrom {
		keys, known := secrets[source.SecretRef.Name]
		if !known {
			t.Errorf("README.md does not say how to create the Secret %s", source.SecretRef.Name)
		}
		variables = append(variables, keys...)
	}
	return variables
}

// documentedSecrets returns the variables of each Secret that README.md creates, with valid values.
func documentedSecrets(t *testing.T, program string) map[string][]string {
	t.Helper()
	readme, err := os.ReadFile(chartPath + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	keygen := func(args ...string) string {
		key, err := exec.CommandContext(t.Context(), program, append([]string{"keygen"}, args...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(key)
	}
	replace := strings.NewReplacer(
		"'postgres://…'", "postgres://user:password@postgres:5432/database?sslmode=verify-full",
		"'mongodb://…'", "mongodb://user:password@mongo/loyalty?tls=true",
		`"$REDIS_PASSWORD"`, "password", `"$KAFKA_USERS_PASSWORD"`, "password", `"$KAFKA_PROMOTIONS_PASSWORD"`, "password",
		`"$KAFKA_NOTIFICATIONS_PASSWORD"`, "password",
		`"$(loyalty keygen)"`, keygen(), `"$(loyalty keygen ledger)"`, keygen("ledger"),
		`"$INTERNAL_TOKEN"`, strings.Repeat("secret", 4))
	secrets := map[string][]string{}
	commands := regexp.MustCompile(`kubectl create secret generic (\S+) (.*)`)
	literals := regexp.MustCompile(`--from-literal=(LOYALTY_\w+=(?:"[^"]*"|'[^']*'|[\w-]+))`)
	for _, m := range commands.FindAllStringSubmatch(strings.ReplaceAll(string(readme), "\\\n", ""), -1) {
		for _, literal := range literals.FindAllStringSubmatch(m[2], -1) {
			secrets[m[1]] = append(secrets[m[1]], replace.Replace(literal[1]))
		}
	}
	return secrets
}
