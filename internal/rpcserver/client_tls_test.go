package rpcserver_test

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

func TestClientUsesTLS(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, tt := range map[string]struct {
		peer  string
		proto string
		tls   bool
		want  bool
	}{
		"plain connection":          {peer: "192.0.2.1:1234"},
		"TLS connection":            {peer: "192.0.2.1:1234", tls: true, want: true},
		"trusted proxy, https":      {peer: "10.1.2.3:1234", proto: "https", want: true},
		"trusted proxy, upper case": {peer: "10.1.2.3:1234", proto: "HTTPS", want: true},
		"two proxies":               {peer: "10.1.2.3:1234", proto: "https, http", want: true},
		"trusted proxy, http":       {peer: "10.1.2.3:1234", proto: "http"},
		"trusted proxy, no header":  {peer: "10.1.2.3:1234"},
		"untrusted peer, https":     {peer: "192.0.2.1:1234", proto: "https"},
		"unknown peer, https":       {peer: "@", proto: "https"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := rpcserver.New(rpcserver.Config{Service: "test", Authenticator: tokens{}, Log: slog.New(slog.DiscardHandler), TrustedProxies: proxies})
			if err != nil {
				t.Fatal(err)
			}
			var got bool
			s.Handle("GET /tls", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got = rpcserver.ClientUsesTLS(r.Context())
			}))
			handler, err := s.Handler()
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/tls", nil)
			r.RemoteAddr = tt.peer
			if tt.proto != "" {
				r.Header.Set("X-Forwarded-Proto", tt.proto)
			}
			if tt.tls {
				r.TLS = &tls.ConnectionState{}
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			if got != tt.want {
				t.Errorf("ClientUsesTLS = %t, want %t", got, tt.want)
			}
		})
	}
}
