// Package redistest runs Redis for tests: the real server, and the embedded server of loyalty-dev.
package redistest

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// Server is a redis-server process of one test.
type Server struct {
	// Address is the server's "host:port".
	Address string
	binary  string
	args    []string
	process *testproc.Process
}

// Start runs redis-server with args on a free port until the test ends.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return run(t, append([]string{"--save", "", "--appendonly", "no"}, args...)...)
}

// StartSentinel runs a sentinel on a free port until the test ends. The sentinel rewrites its configuration file.
func StartSentinel(t testing.TB, config string) *Server {
	t.Helper()
	return run(t, config, "--sentinel")
}

func run(t testing.TB, args ...string) *Server {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is not on the PATH: install Redis 7 (apt-get install redis-server)")
	}
	for range 5 { // another process may take the port before the server does
		s := &Server{Address: testproc.FreeAddress(t), binary: binary, args: args}
		if s.start(t) {
			t.Cleanup(s.Kill)
			return s
		}
	}
	t.Fatal("redis-server does not start")
	return nil
}

// Restart starts a killed server at the same address, with additional arguments. Its data is lost.
func (s *Server) Restart(t testing.TB, args ...string) {
	t.Helper()
	s.args = append(slices.Clone(s.args), args...)
	if !s.start(t) {
		t.Fatal("redis-server does not start again")
	}
}

// start starts the server and reports whether it is ready.
func (s *Server) start(t testing.TB) bool {
	t.Helper()
	host, port, _ := net.SplitHostPort(s.Address)
	args := append(slices.Clone(s.args), "--port", port, "--bind", host, "--dir", t.TempDir())
	s.process = testproc.Start(t, exec.Command(s.binary, args...), syscall.SIGKILL)
	if !s.process.Ready(t, func(context.Context) error { return ping(s.Address) }) {
		s.Kill()
		return false
	}
	return true
}

// ping returns an error unless a server answers. A server that asks for a password is ready.
func ping(address string) error {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	b := make([]byte, 64)
	n, err := c.Read(b)
	if err != nil {
		return err
	}
	if answer := string(b[:n]); !strings.HasPrefix(answer, "+PONG") && !strings.HasPrefix(answer, "-NOAUTH") {
		return fmt.Errorf("PING: %s", answer)
	}
	return nil
}

// Freeze suspends the server's process: connections stay open, but the server does not answer.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	s.process.Freeze(t)
}

// Kill kills the server and waits until it has exited. It is idempotent.
func (s *Server) Kill() { s.process.Kill() }

// Open returns a client of the server. The client is closed when the test ends.
func (s *Server) Open(t testing.TB) rueidis.Client {
	t.Helper()
	return open(t, redis.Config{Address: s.Address})
}

// OpenEmbedded returns a client of a new embedded server. Both are closed when the test ends. In the embedded
// server, keys expire only when the test calls Expire.
func OpenEmbedded(t testing.TB) rueidis.Client {
	t.Helper()
	return open(t, redis.Config{Address: miniredis.RunT(t).Addr(), Plain: true})
}

func open(t testing.TB, c redis.Config) rueidis.Client {
	t.Helper()
	client, err := redis.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// Each runs a test on the real server and on the embedded server.
func Each(t *testing.T, test func(t *testing.T, client rueidis.Client)) {
	t.Run("redis", func(t *testing.T) { test(t, Start(t).Open(t)) })
	t.Run("embedded", func(t *testing.T) { test(t, OpenEmbedded(t)) })
}

// Expire deletes every key that matches the glob pattern, as if it had expired, and returns the number of keys.
func Expire(t testing.TB, client rueidis.Client, pattern string) int {
	t.Helper()
	ctx := context.Background()
	keys, err := client.Do(ctx, client.B().Keys().Pattern(pattern).Build()).AsStrSlice()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if err := client.Do(ctx, client.B().Del().Key(k).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	return len(keys)
}
