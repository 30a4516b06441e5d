package readiness_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/readiness"
)

func TestUnreachable(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	get := func(client *http.Client, url string) error {
		response, err := client.Get(url)
		if err == nil {
			_ = response.Body.Close()
		}
		return err
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	private := httptest.NewUnstartedServer(http.NotFoundHandler())
	private.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}
	private.StartTLS()
	defer private.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, dial := new(net.Dialer).DialContext(canceled, "tcp", closed.Addr().String())
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"nothing listens":          {get(http.DefaultClient, "http://"+closed.Addr().String()), true},
		"unknown host":             {get(http.DefaultClient, "http://host.invalid"), true},
		"deadline":                 {fmt.Errorf("open: %w", context.DeadlineExceeded), true},
		"connection closed":        {io.ErrUnexpectedEOF, true},
		"canceled":                 {dial, false},
		"unknown authority":        {get(http.DefaultClient, secure.URL), false},
		"no certificate of client": {get(private.Client(), private.URL), false},
		"server without TLS":       {plainTLS(t, plain.Listener.Addr().String()), false},
		"another error":            {errors.New("wrong password"), false},
	} {
		if tt.err == nil {
			t.Errorf("%s: no error", name)
		} else if got := readiness.Unreachable(tt.err); got != tt.want {
			t.Errorf("%s: Unreachable(%v) = %t, want %t", name, tt.err, got, tt.want)
		}
	}
}

// plainTLS returns the error of a TLS handshake with a server that does not use TLS.
func plainTLS(t *testing.T, address string) error {
	t.Helper()
	conn, err := new(tls.Dialer).DialContext(t.Context(), "tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return err
}
