package sdk_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
)

// startNginx starts Nginx with the configuration of deploy/nginx in front of a platform. It returns the address for HTTP/2.
// Nginx is killed when the test ends.
func startNginx(t *testing.T, p *platform) string {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // it may be on the PATH of root only
	}
	http1, http2 := freeAddress(t), freeAddress(t)
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("../../deploy/nginx")); err != nil {
		t.Fatal(err)
	}
	replicas, err := os.ReadFile(filepath.Join(folder, "replicas.conf"))
	if err != nil {
		t.Fatal(err)
	}
	// The files that an installation edits.
	for name, content := range map[string][]byte{
		"replicas.conf": regexp.MustCompile(`server [a-z]+:8080`).ReplaceAll(replicas, []byte("server "+p.addr)),
		"listen.conf":   fmt.Appendf(nil, "listen %s;\nlisten %s http2;\n", http1, http2),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var output bytes.Buffer
	cmd := exec.Command(program, "-p", folder, "-c", filepath.Join(folder, "nginx.conf"),
		"-g", "daemon off; pid "+filepath.Join(folder, "nginx.pid")+";")
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // "signal: killed"
		if t.Failed() {
			t.Logf("output of Nginx:\n%s", &output)
		}
	})
	eventually(t, "Nginx accepts connections", func() error {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", http2)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	return http2
}

// freeAddress returns an address that is free now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
