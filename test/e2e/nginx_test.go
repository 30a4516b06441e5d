package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/gateway/nginxtest"
)

// TestAPIThroughNginx runs the tests of the API against two processes of each service behind the real Nginx, with the
// configuration of deploy/nginx.
func TestAPIThroughNginx(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "kafka")
	replicas := map[string][]string{}
	for _, name := range services {
		replicas[name] = []string{c.addr(name), c.startSecond(name)}
	}
	nginx := nginxtest.Start(t, nginxtest.Config{
		Replicas: replicas, Limits: nginxtest.NoLimits,
	})
	p := c.platform
	p.url, p.grpcURL = "http://"+nginx.Address, "http://"+nginx.HTTP2Address
	api(t, p)
}

// startSecond starts a second process of a service on another loopback address, and returns its address.
func (c *cluster) startSecond(service string) string {
	c.t.Helper()
	settings, err := os.ReadFile(c.settings)
	if err != nil {
		c.t.Fatal(err)
	}
	lines := strings.Split(string(settings), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "LOYALTY_INTERNAL_LISTEN=") {
			lines[i] = "LOYALTY_INTERNAL_LISTEN=127.0.0.12:0"
		}
	}
	path := filepath.Join(c.t.TempDir(), "loyalty.env")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		c.t.Fatal(err)
	}
	name, address := service+"-2", strings.Replace(freeAddr(c.t), "127.0.0.1:", "127.0.0.12:", 1)
	c.run(name, service, path, address)
	eventually(c.t, name+" is ready", func() error { return c.processes[name].alive(c.t, "http://"+address) })
	return address
}
