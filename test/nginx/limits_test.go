package nginx_test

import (
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/gateway/nginxtest"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/rpctest"
)

// TestConnectionsPerAddress holds as many requests in progress as the address may have, and sends one more.
func TestConnectionsPerAddress(t *testing.T) {
	t.Parallel()
	shipped, err := os.ReadFile("../../deploy/nginx/limits.conf")
	if err != nil {
		t.Fatal(err)
	}
	limits := strings.Replace(string(shipped), "limit_conn address 1000;", "limit_conn address 2;", 1)
	if limits == string(shipped) {
		t.Fatal("limits.conf has no limit of 1000 connections")
	}
	s := start(t, nginxtest.Config{Limits: limits})
	entered, release := make(chan struct{}), make(chan struct{})
	s.serve("users", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		entered <- struct{}{}
		<-release
		w.Header().Set("Service", "users")
	}))
	answered := make(chan int, 2)
	for range 2 {
		go func() {
			resp, err := http.Get("http://" + s.Address + "/api/v1/users")
			if err != nil {
				answered <- 0
				return
			}
			_ = resp.Body.Close()
			answered <- resp.StatusCode
		}()
		<-entered
	}
	resp, body := s.ask(t, "GET", "/api/v1/users", nil, nil)
	checkProblem(t, resp, body, apperr.RateLimited, "/api/v1/users")
	close(release)
	for range 2 {
		if status := <-answered; status != http.StatusOK {
			t.Errorf("a request within the limit got status %d", status)
		}
	}
}

// TestRefusedBodiesThroughNginx sends large, malformed and compressed bodies without a token to a real service behind Nginx. The
// client gets the service's answer, although the service does not use the body.
func TestRefusedBodiesThroughNginx(t *testing.T) {
	t.Parallel()
	server, err := rpcserver.New(rpcserver.Config{
		Service: "promotions", Authenticator: rpctest.Tokens{}, Log: slog.New(slog.DiscardHandler),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Mount(promotionsv1connect.NewPromotionServiceHandler(
		promotionsv1connect.UnimplementedPromotionServiceHandler{}, server.Options()...))
	handler, err := server.Handler()
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, nginxtest.Config{})
	s.serve("promotions", handler)
	const procedure = "/loyalty.promotions.v1.PromotionService/CreatePromotion"
	large := strings.Repeat("x", 1<<20)
	for _, path := range []string{"/api/v1/promotions", procedure} {
		for range 5 { // on a connection that is used again
			resp, body := s.ask(t, "POST", path, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(large))
			checkProblem(t, resp, body, apperr.TokenMissing, path)
		}
	}
	const head = " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: "
	resp, body := raw(t, s.Address, "POST /api/v1/promotions"+head+"chunked\r\n\r\nZZ\r\n")
	checkProblem(t, resp, body, apperr.ValidationFailed, "/api/v1/promotions")
	resp, body = raw(t, s.Address, "POST "+procedure+head+"gzip\r\n\r\n")
	checkProblem(t, resp, body, apperr.ValidationFailed, procedure)
}
