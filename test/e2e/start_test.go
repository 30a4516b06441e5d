package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// logged returns the lines of a process's log that contain text.
func (p *process) logged(text string) []string {
	var lines []string
	for line := range strings.Lines(p.Output()) {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

// logged returns the lines with text in the logs of all replicas of a service.
func (c *cluster) logged(service, text string) []string {
	var lines []string
	for _, name := range c.replicas[service] {
		lines = append(lines, c.processes[name].logged(text)...)
	}
	return lines
}

// TestServicesAreNotReadyWithoutTheirDependencies starts the services on databases without migrations. It starts promotions
// and notifications before users, which publishes the keys for access tokens.
func TestServicesAreNotReadyWithoutTheirDependencies(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "kafka", emptyDatabases(t))
	status := func(name, path string) (int, error) {
		resp, err := http.Get("http://" + c.listen[name] + path)
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	eventually503 := func(name string) {
		eventually(t, name+" answers 503", func() error {
			got, err := status(name, "/health")
			if err == nil && got != http.StatusServiceUnavailable {
				t.Fatalf("/health of %s answered %d, want 503", name, got)
			}
			return err
		})
	}
	noKeys := "not ready: LOYALTY_JWKS_URL unavailable"
	for _, name := range []string{"promotions", "notifications"} {
		c.launch(name)
		eventually503(name)
		eventually(t, name+" logs that it has no keys", func() error {
			lines := c.processes[name].logged(noKeys)
			if len(lines) != 1 || !strings.Contains(lines[0], "http://"+c.listen["users"]+"/.well-known/jwks.json") {
				return fmt.Errorf("logged %q", lines)
			}
			return nil
		})
	}
	c.launch("users")
	for _, name := range services {
		eventually503(name)
	}
	if got, err := status("users", "/api/v1/users/me"); err != nil || got != http.StatusServiceUnavailable {
		t.Errorf("a call before the migration: status %d, %v, want 503", got, err)
	}
	eventually(t, "promotions has the keys", func() error {
		if len(c.processes["promotions"].logged("LOYALTY_JWKS_URL available")) != 1 {
			return errors.New("not logged yet")
		}
		return nil
	})
	if out, err := exec.Command(programs.loyalty, "migrate", "up", "--settings", c.owner).CombinedOutput(); err != nil {
		t.Fatalf("loyalty migrate up: %v\n%s", err, out)
	}
	for _, name := range services {
		p := c.processes[name]
		c.awaitReplica(name)
		lines := p.logged("migrations are pending: run loyalty migrate up " + name)
		if len(lines) != 1 || len(p.logged("database available")) != 1 {
			t.Errorf("%s logged %q, want one line before and one after the migration:\n%s", name, lines, p.Output())
		}
		for _, level := range []string{`"level":"WARN"`, `"level":"ERROR"`} {
			unexpected := slices.DeleteFunc(p.logged(level), func(line string) bool {
				return strings.Contains(line, "not ready: ") || strings.Contains(line, `"msg":"request"`)
			})
			if len(unexpected) > 0 {
				t.Errorf("%s logged unexpected warnings or errors: %q", name, unexpected)
			}
		}
	}
	c.createAdmin()
	for _, name := range []string{"notifications", "promotions", "users"} {
		c.stop(name)
	}
}
