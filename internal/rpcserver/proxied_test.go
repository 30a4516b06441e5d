package rpcserver_test

import (
	"io"
	"net/http"
	"net/netip"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// TestRefusedGRPCThroughAProxy refuses calls before their bodies have arrived. Nginx passes such an answer on completely only
// if the service accepts the whole body before the answer ends, and if the answer has trailers but no Content-Length.
func TestRefusedGRPCThroughAProxy(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *rpcserver.Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	for name, tt := range map[string]struct{ path, status string }{
		"no token":          {procedure + "CreatePromotion", "16"},
		"unknown procedure": {procedure + "Nothing", "5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, w := io.Pipe()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+tt.path, body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/grpc")
			res, err := h2c(t).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			if _, ok := res.Header["Content-Length"]; ok || res.ContentLength != -1 {
				t.Errorf("the answer has Content-Length %d, want none", res.ContentLength)
			}
			if _, err := w.Write(make([]byte, limits.Body)); err != nil {
				t.Errorf("the body was not accepted to its end: %v", err)
			}
			_ = w.Close()
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				t.Error(err)
			}
			if got := res.Trailer.Get("Grpc-Status"); got != tt.status {
				t.Errorf("the trailer Grpc-Status is %q, want %s", got, tt.status)
			}
		})
	}
}
