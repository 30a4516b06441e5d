// Package compose_test tests docker-compose.yml without a container engine: that it names only existing files, settings, secrets
// and containers, and that every container has a health check, limits and a restart policy.
package compose_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/casino-loyalty/loyalty/internal/limits"
)

const root = "../.."

// jobs are the containers that end.
var jobs = []string{"migrate", "topics", "kafka-init", "mongo-init", "admin", "check", "verify"}

// optional are the containers of the profile observability. They have no health check: nothing waits for them.
var optional = []string{"prometheus", "grafana", "jaeger", "kafka-ui"}

type project struct {
	Services map[string]container `yaml:"services"`
	Secrets  map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
	Volumes map[string]any `yaml:"volumes"`
}

type container struct {
	Image       string            `yaml:"image"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Secrets     []string          `yaml:"secrets"`
	Volumes     []string          `yaml:"volumes"`
	Tmpfs       []string          `yaml:"tmpfs"`
	Profiles    []string          `yaml:"profiles"`
	Restart     string            `yaml:"restart"`
	ReadOnly    bool              `yaml:"read_only"`
	CapDrop     []string          `yaml:"cap_drop"`
	Healthcheck *struct {
		Test    []string `yaml:"test"`
		Disable bool     `yaml:"disable"`
	} `yaml:"healthcheck"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Deploy struct {
		Resources struct {
			Limits struct {
				CPUs   string `yaml:"cpus"`
				Memory string `yaml:"memory"`
			} `yaml:"limits"`
		} `yaml:"resources"`
	} `yaml:"deploy"`
	Networks map[string]struct {
		Aliases []string `yaml:"aliases"`
		Address string   `yaml:"ipv4_address"`
	} `yaml:"networks"`
}

func load(t *testing.T) project {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var p project
	if err := yaml.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestContainers checks health, limits and restarts of every container, and the order in which they start.
func TestContainers(t *testing.T) {
	p := load(t)
	for name, c := range p.Services {
		job := slices.Contains(jobs, name)
		healthy := c.Healthcheck != nil && !c.Healthcheck.Disable && len(c.Healthcheck.Test) > 0
		if want := !job && !slices.Contains(optional, name); healthy != want {
			t.Errorf("%s: health check = %t, want %t", name, healthy, want)
		}
		if limits := c.Deploy.Resources.Limits; limits.CPUs == "" || limits.Memory == "" {
			t.Errorf("%s: limits = %+v, want CPUs and memory", name, limits)
		}
		if restart := c.Restart; !job && restart != "unless-stopped" {
			t.Errorf("%s: restart = %q, want unless-stopped", name, restart)
		}
		for dependency, d := range c.DependsOn {
			want := "service_healthy"
			if slices.Contains(jobs, dependency) {
				want = "service_completed_successfully"
			}
			if _, exists := p.Services[dependency]; !exists || d.Condition != want {
				t.Errorf("%s waits for %s with %q, want an existing container with %q", name, dependency, d.Condition, want)
			}
		}
	}
}

// TestReplicas checks that each service has three hardened replicas with different names and addresses, and that Nginx
// waits for all of them.
func TestReplicas(t *testing.T) {
	p := load(t)
	addresses := map[string]string{}
	for _, service := range []string{"users", "promotions", "notifications"} {
		for _, replica := range []string{service + "-1", service + "-2", service + "-3"} {
			c, exists := p.Services[replica]
			if !exists {
				t.Fatalf("there is no container %s", replica)
			}
			if !slices.Equal(c.Command, []string{service}) {
				t.Errorf("%s runs %v, want %s", replica, c.Command, service)
			}
			if !c.ReadOnly || !slices.Equal(c.CapDrop, []string{"ALL"}) {
				t.Errorf("%s: read_only = %t, cap_drop = %v, want a read-only file system and no capabilities", replica, c.ReadOnly, c.CapDrop)
			}
			if got := c.Environment["LOYALTY_INSTANCE"]; got != replica {
				t.Errorf("%s: LOYALTY_INSTANCE = %q", replica, got)
			}
			network := c.Networks["default"]
			if !slices.Equal(network.Aliases, []string{service}) || network.Address == "" || addresses[network.Address] != "" {
				t.Errorf("%s: network = %+v, want the name %s and an address that no other replica has", replica, network, service)
			}
			addresses[network.Address] = replica
			if _, waits := p.Services["nginx"].DependsOn[replica]; !waits {
				t.Errorf("nginx does not wait for %s", replica)
			}
		}
	}
	if got, want := p.Services["users-1"].Environment["LOYALTY_TRUSTED_PROXIES"], p.Services["nginx"].Networks["default"].Address+"/32"; got != want {
		t.Errorf("the services trust %s, want the address of nginx, %s", got, want)
	}
}

// TestBodyFiles checks the size of the file systems on which Nginx stores bodies.
func TestBodyFiles(t *testing.T) {
	size := fmt.Sprintf(":size=%dm", limits.NginxBodyFiles>>20)
	mounts := load(t).Services["nginx"].Tmpfs
	for _, folder := range []string{"/var/cache/nginx", "/var/lib/nginx"} {
		if !slices.Contains(mounts, folder+size) {
			t.Errorf("nginx has the file systems %v, want %s", mounts, folder+size)
		}
	}
}

// TestReferences checks that every secret, volume, mounted file and setting exists.
func TestReferences(t *testing.T) {
	p := load(t)
	document, err := os.ReadFile(filepath.Join(root, "docs/settings.md"))
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for name, c := range p.Services {
		for _, secret := range c.Secrets {
			used[secret] = true
			if _, exists := p.Secrets[secret]; !exists {
				t.Errorf("%s: there is no secret %s", name, secret)
			}
		}
		for variable, value := range c.Environment {
			if path, isFile := strings.CutPrefix(value, "/run/secrets/"); isFile && !slices.Contains(c.Secrets, path) {
				t.Errorf("%s: %s names the secret %s, which the container does not have", name, variable, path)
			}
			setting := strings.TrimSuffix(variable, "_FILE")
			if strings.HasPrefix(variable, "LOYALTY_") && !strings.Contains(string(document), "`"+setting+"`") {
				t.Errorf("%s: %s is not a documented setting", name, variable)
			}
		}
		for _, mount := range c.Volumes {
			source, _, _ := strings.Cut(mount, ":")
			if strings.HasPrefix(source, "./") {
				if _, err := os.Stat(filepath.Join(root, source)); err != nil {
					t.Errorf("%s mounts %s: %v", name, source, err)
				}
			} else if _, exists := p.Volumes[source]; !exists {
				t.Errorf("%s: there is no volume %s", name, source)
			}
		}
	}
	script, err := os.ReadFile(filepath.Join(root, "deploy/docker/secrets.sh"))
	if err != nil {
		t.Fatal(err)
	}
	for secret, file := range p.Secrets {
		if !used[secret] {
			t.Errorf("no container uses the secret %s", secret)
		}
		if want := "deploy/docker/secrets/" + secret; file.File != want {
			t.Errorf("the secret %s is the file %s, want %s", secret, file.File, want)
		}
		service, suffix, _ := strings.Cut(secret, "_")
		pattern := regexp.MustCompile(`\b` + secret + `\b|\$\{service\}_` + suffix + `\b`)
		if !pattern.Match(script) {
			t.Errorf("secrets.sh does not write the secret %s (%s)", secret, service)
		}
	}
}

// TestOverrides checks that the overrides change only containers of docker-compose.yml.
func TestOverrides(t *testing.T) {
	p := load(t)
	overrides, err := filepath.Glob(filepath.Join(root, "deploy/docker/compose.*.yml"))
	if err != nil || len(overrides) == 0 {
		t.Fatalf("overrides: %v, %v", overrides, err)
	}
	for _, path := range overrides {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var override struct {
			Services map[string]yaml.Node `yaml:"services"`
		}
		if err := yaml.Unmarshal(text, &override); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for name := range override.Services {
			if _, exists := p.Services[name]; !exists {
				t.Errorf("%s: docker-compose.yml has no container %s", filepath.Base(path), name)
			}
		}
	}
}
