// Package testproc helps tests that start servers: it finds ports for them, waits until they are ready, collects their
// output and ends them with the test process.
package testproc

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// FreePorts returns n different ports that are unused on every host; without hosts, on 127.0.0.1. The ports are below the
// range of ephemeral ports. An outgoing connection could take an ephemeral port before the server starts or restarts.
func FreePorts(t testing.TB, n int, hosts ...string) []int {
	t.Helper()
	if len(hosts) == 0 {
		hosts = []string{"127.0.0.1"}
	}
	var ports []int
	for range 100 * n {
		port := 15_000 + rand.IntN(15_000)
		free := true
		for _, host := range hosts {
			l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
			if err != nil {
				free = false
				break
			}
			// Keep all listeners open until the last port is known, so that no port is returned twice.
			defer l.Close()
		}
		if !free {
			continue
		}
		if ports = append(ports, port); len(ports) == n {
			return ports
		}
	}
	t.Fatal("no free ports")
	return nil
}

// FreeAddress returns an unused address on 127.0.0.1; see FreePorts.
func FreeAddress(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(FreePorts(t, 1)[0]))
}

// Tool builds the program of the module tools/name into .cache and returns the path of the binary. The first build on a
// machine takes minutes; scripts/setup.sh does it before the tests. Later builds take less than a second, because the go
// command does not rebuild an up-to-date binary.
func Tool(name string) (string, error) {
	gomod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("the tests need the go command to build tools/%s: %w", name, err)
	}
	root := filepath.Dir(strings.TrimSpace(string(gomod)))
	binary := filepath.Join(root, ".cache", name)
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-C", filepath.Join(root, "tools", name), "-o", binary, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("the tests cannot build tools/%s: %w\n%s", name, err, out)
	}
	return binary, nil
}
