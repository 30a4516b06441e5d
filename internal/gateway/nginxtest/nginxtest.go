// Package nginxtest starts Nginx with the configuration of deploy/nginx for tests. A test replaces only the files that an
// installation edits: the ports, the replicas and, optionally, the rate limits.
package nginxtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// Config contains the settings of Nginx in a test.
type Config struct {
	// Replicas are the addresses of the replicas of each service: "users", "promotions" and "notifications".
	Replicas map[string][]string
	// Certificate and Key are PEM files. If they are set, Nginx runs nginx-tls.conf.
	Certificate, Key string
	// Limits replaces limits.conf if it is not empty.
	Limits string
	// Server contains additional directives for listen.conf. It has no effect with TLS.
	Server string
}

// NoLimits is a value of Config.Limits. All clients of a test have the same address, which would exceed the shipped limits.
const NoLimits = "limit_req_zone $binary_remote_addr zone=login:1m rate=100000r/s;\n" +
	"limit_req_zone $binary_remote_addr zone=register:1m rate=100000r/s;\n"

// Server is a running Nginx.
type Server struct {
	// Address serves HTTP/1.1, and with TLS also HTTP/2.
	Address string
	// HTTP2Address serves HTTP/2. With TLS it equals Address; without TLS it is a separate port.
	HTTP2Address string
	folder       string
	binary, main string // the program, and the name of the main configuration file
	process      *testproc.Process
}

// Start starts Nginx and waits until it accepts connections. Nginx stops when the test ends.
func Start(t testing.TB, c Config) *Server {
	t.Helper()
	binary, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // another process may take a port before Nginx does
		s := start(t, binary, c)
		if s != nil {
			t.Cleanup(func() { s.stop(t) })
			return s
		}
	}
	t.Fatal("nginx did not start; see above")
	return nil
}

// Find returns the path of the program nginx. It also searches the sbin directories, which may be on the PATH of root only.
func Find() (string, error) {
	for _, name := range []string{"nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("nginx is not installed; run scripts/setup.sh")
}

func start(t testing.TB, binary string, c Config) *Server {
	t.Helper()
	s := &Server{Address: testproc.FreeAddress(t), folder: t.TempDir(), binary: binary, main: "nginx.conf"}
	s.HTTP2Address = s.Address
	if c.Certificate != "" {
		s.main = "nginx-tls.conf"
	} else {
		s.HTTP2Address = testproc.FreeAddress(t)
	}
	if err := s.configure(c); err != nil {
		t.Fatal(err)
	}
	if !s.launch(t) {
		return nil
	}
	return s
}

// Kill kills Nginx and its workers with SIGKILL.
func (s *Server) Kill() { s.process.Kill() }

// Restart starts Nginx after Kill, at the same addresses.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if !s.launch(t) {
		t.Fatal("nginx did not start again; see above")
	}
}

// launch starts the process and reports whether it accepts connections. When the test process ends, the kernel sends
// SIGTERM, so that the master ends its workers.
func (s *Server) launch(t testing.TB) bool {
	t.Helper()
	cmd := exec.Command(s.binary, "-p", s.folder, "-c", filepath.Join(s.folder, s.main), "-g",
		"daemon off; pid "+filepath.Join(s.folder, "nginx.pid")+";")
	s.process = testproc.Start(t, cmd, syscall.SIGTERM)
	if !s.process.Ready(t, s.accepts) {
		s.Kill()
		return false
	}
	return true
}

// accepts returns an error unless Nginx accepts connections.
func (s *Server) accepts(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// configure copies deploy/nginx to the server's folder and replaces the files that an installation edits.
func (s *Server) configure(c Config) error {
	source, err := sourceFolder()
	if err != nil {
		return err
	}
	if err := os.CopyFS(s.folder, os.DirFS(source)); err != nil {
		return err
	}
	files := map[string]string{
		"listen.conf":   fmt.Sprintf("listen %s;\nlisten %s http2;\n%s\n", s.Address, s.HTTP2Address, c.Server),
		"replicas.conf": Replicas(c.Replicas),
	}
	if c.Certificate != "" {
		original, err := os.ReadFile(filepath.Join(source, "listen-tls.conf"))
		if err != nil {
			return err
		}
		files["listen-tls.conf"] = strings.NewReplacer("listen 8443 ", "listen "+s.Address+" ",
			"/etc/nginx/tls/tls.crt", c.Certificate, "/etc/nginx/tls/tls.key", c.Key).Replace(string(original))
	}
	if c.Limits != "" {
		files["limits.conf"] = c.Limits
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(s.folder, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// sourceFolder returns the folder deploy/nginx of the module that the test belongs to.
func sourceFolder() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return filepath.Join(folder, "deploy", "nginx"), nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("the test does not run inside the module")
		}
		folder = parent
	}
}

// Replicas returns the content of replicas.conf for the addresses of each service.
func Replicas(byService map[string][]string) string {
	var b strings.Builder
	write := func(upstream string, addresses []string, health ...string) {
		fmt.Fprintf(&b, "upstream %s {\n", upstream)
		for _, address := range addresses {
			for _, h := range health {
				fmt.Fprintf(&b, "    server %s %s;\n", address, h)
			}
		}
		fmt.Fprintf(&b, "    zone %s 256k;\n    include upstream.conf;\n}\n", upstream)
	}
	const passive, backup = "max_fails=2 fail_timeout=2s", "max_fails=0 backup"
	for _, name := range slices.Sorted(maps.Keys(byService)) {
		write(name, byService[name], passive, backup)
		write(name+"_grpc", byService[name], passive, backup)
	}
	write("notifications_ws", byService["notifications"], "max_fails=0")
	return b.String()
}

// stop ends the server. If the test has failed, it logs the output.
func (s *Server) stop(t testing.TB) {
	t.Helper()
	_ = s.process.Stop(syscall.SIGTERM) // Nginx may have been killed
	if t.Failed() {
		t.Logf("output of nginx:\n%s", s.process.Output())
	}
}
