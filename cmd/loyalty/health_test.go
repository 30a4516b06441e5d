package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestReadyURL(t *testing.T) {
	for address, want := range map[string]string{
		":9100":          "http://localhost:9100/health/ready",
		"0.0.0.0:9100":   "http://localhost:9100/health/ready",
		"[::]:9100":      "http://localhost:9100/health/ready",
		"10.0.0.5:9100":  "http://10.0.0.5:9100/health/ready",
		"127.0.0.1:9101": "http://127.0.0.1:9101/health/ready",
	} {
		if got, err := readyURL(address); got != want || err != nil {
			t.Errorf("readyURL(%q) = %q, %v, want %q", address, got, err, want)
		}
	}
	if _, err := readyURL(":0"); err == nil || !strings.Contains(err.Error(), "LOYALTY_DIAGNOSTICS_LISTEN") {
		t.Errorf("readyURL(:0) = %v, want an error that names the setting", err)
	}
}

// TestHealth checks the exit code of loyalty health, on which container engines rely.
func TestHealth(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health/ready" {
			t.Errorf("path = %s, want /health/ready", r.URL.Path)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"status":"x","dependency":"Redis"}`))
	}))
	defer server.Close()
	t.Setenv("LOYALTY_DIAGNOSTICS_LISTEN", strings.TrimPrefix(server.URL, "http://"))
	if code, stdout, stderr := run(t, "health"); code != 0 {
		t.Errorf("ready service: exit code %d, %s%s", code, stdout, stderr)
	}
	status = http.StatusServiceUnavailable
	if code, _, stderr := run(t, "health"); code != 1 || !strings.Contains(stderr, "Redis") {
		t.Errorf("service that is not ready: exit code %d, %q, want 1 and the missing dependency", code, stderr)
	}
	server.Close()
	if code, _, stderr := run(t, "health"); code != 1 || !strings.Contains(stderr, "does not answer") {
		t.Errorf("no service: exit code %d, %q, want 1", code, stderr)
	}
}
