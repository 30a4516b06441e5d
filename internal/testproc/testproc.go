// Package testproc helps tests that start servers: it finds ports for them, waits until they are ready, collects their
// output and ends them with the test process.
package testproc

import (
	"math/rand/v2"
	"net"
	"strconv"
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
