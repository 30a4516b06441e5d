package nginx_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/gorilla/websocket"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/gateway/nginxtest"
)

// call calls GetMe with and without a token and checks the headers and messages that the client and the service receive. It
// also checks that the internal procedure AddTransaction is not reachable.
func call(t *testing.T, p *profile, transport *http.Transport, url string, options ...connect.ClientOption) {
	t.Helper()
	defer transport.CloseIdleConnections()
	users := usersv1connect.NewUserServiceClient(&http.Client{Transport: transport}, url, options...)
	for range 3 {
		request := connect.NewRequest(&usersv1.GetMeRequest{})
		request.Header().Set("Authorization", "me")
		request.Header().Set("X-Real-Ip", "6.6.6.6")
		answer, err := users.GetMe(t.Context(), request)
		if err != nil {
			t.Errorf("GetMe: %v", err)
			return
		}
		if answer.Msg.GetId() != "me" || len(answer.Msg.GetEmail()) != 100_000 || answer.Trailer().Get("Sent-After") != "the message" {
			t.Errorf("GetMe: got id %q, an e-mail of %d bytes and trailer %v, want me, 100000 and Sent-After",
				answer.Msg.GetId(), len(answer.Msg.GetEmail()), answer.Trailer())
		}
		if got := *p.realIP.Load(); got != "127.0.0.1" {
			t.Errorf("the service received X-Real-IP %q, want 127.0.0.1", got)
		}
		if ids := answer.Header().Values("X-Request-Id"); len(ids) != 1 {
			t.Errorf("the request ids are %q, want one", ids)
		}
		_, err = users.GetMe(t.Context(), connect.NewRequest(&usersv1.GetMeRequest{}))
		if connect.CodeOf(err) != connect.CodeUnauthenticated || !strings.Contains(err.Error(), "no token") {
			t.Errorf("GetMe without a token: got %v, want UNAUTHENTICATED with the message of the service", err)
		}
	}
	ledger := connect.NewClient[usersv1.AddTransactionRequest, usersv1.AddTransactionResponse](&http.Client{Transport: transport},
		url+usersv1.LedgerService_AddTransaction_FullMethodName, options...)
	_, err := ledger.CallUnary(t.Context(), connect.NewRequest(&usersv1.AddTransactionRequest{}))
	if code := connect.CodeOf(err); code != connect.CodeUnimplemented && code != connect.CodeNotFound {
		t.Errorf("AddTransaction: got %v, want UNIMPLEMENTED or NOT_FOUND", err)
	}
}

func protocols() map[string][]connect.ClientOption {
	return map[string][]connect.ClientOption{
		"Connect with protobuf":     nil,
		"Connect with JSON":         {connect.WithProtoJSON()},
		"Connect with GET":          {connect.WithHTTPGet()},
		"Connect with gzip":         {connect.WithSendGzip()},
		"gRPC-Web":                  {connect.WithGRPCWeb()},
		"gRPC-Web with JSON":        {connect.WithGRPCWeb(), connect.WithProtoJSON()},
		"gRPC (HTTP/2 only)":        {connect.WithGRPC()},
		"gRPC + gzip (HTTP/2 only)": {connect.WithGRPC(), connect.WithSendGzip()},
	}
}

// TestProtocols calls a procedure over every protocol, on both ports.
func TestProtocols(t *testing.T) {
	s, p := start(t, nginxtest.Config{}), &profile{}
	_, handler := usersv1connect.NewUserServiceHandler(p)
	s.serve("users", handler)
	for name, options := range protocols() {
		if !strings.Contains(name, "HTTP/2 only") {
			t.Run(name+" over HTTP/1.1", func(t *testing.T) { call(t, p, &http.Transport{}, "http://"+s.Address, options...) })
		}
		t.Run(name+" over HTTP/2", func(t *testing.T) {
			h2c := new(http.Protocols)
			h2c.SetUnencryptedHTTP2(true)
			call(t, p, &http.Transport{Protocols: h2c}, "http://"+s.HTTP2Address, options...)
		})
	}
}

// TestUnavailableGRPC checks that gRPC clients receive UNAVAILABLE if no replica can be reached.
func TestUnavailableGRPC(t *testing.T) {
	t.Parallel()
	s := start(t, nginxtest.Config{})
	for _, r := range s.replicas["users"] {
		r.kill()
	}
	h2c := new(http.Protocols)
	h2c.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: h2c}
	defer transport.CloseIdleConnections()
	users := usersv1connect.NewUserServiceClient(&http.Client{Transport: transport}, "http://"+s.HTTP2Address, connect.WithGRPC())
	_, err := users.GetMe(t.Context(), connect.NewRequest(&usersv1.GetMeRequest{}))
	if connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("got %v, want UNAVAILABLE", err)
	}
}

// echo returns a handler that opens a WebSocket and sends every message back.
func echo(t *testing.T) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		upgrader := websocket.Upgrader{Subprotocols: []string{"loyalty.v1"}} // checks that Origin and Host are equal
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil {
				return
			}
			if err := conn.WriteMessage(kind, message); err != nil {
				return
			}
		}
	})
}

// checkEcho opens a WebSocket to echo through Nginx, and checks that every message comes back.
func checkEcho(t *testing.T, dialer *websocket.Dialer, scheme string, s *stack) {
	t.Helper()
	dialer.Subprotocols = []string{"loyalty.v1", "bearer.x"}
	header := http.Header{"Origin": {s.url}}
	conn, resp, err := dialer.DialContext(t.Context(), scheme+"://"+s.Address+"/notifications/ws?since=x", header)
	if err != nil {
		t.Fatalf("open a WebSocket: %v: %v", err, resp)
	}
	defer conn.Close()
	if conn.Subprotocol() != "loyalty.v1" || resp.Header.Get("X-Request-Id") == "" {
		t.Errorf("subprotocol %q, header %v, want loyalty.v1 and a request id", conn.Subprotocol(), resp.Header)
	}
	for _, message := range []string{"hello", strings.Repeat("x", 200_000), "bye"} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := conn.ReadMessage(); err != nil || string(got) != message {
			t.Fatalf("got %d bytes, %v, want the %d bytes sent", len(got), err, len(message))
		}
	}
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	// These timeouts apply to all routes except WebSockets.
	s := start(t, nginxtest.Config{Server: "proxy_read_timeout 1ms; proxy_send_timeout 1ms;"})
	s.serve("notifications", echo(t))
	checkEcho(t, &websocket.Dialer{}, "ws", s)
}

// certificate creates a certificate for 127.0.0.1. It returns the files of the certificate and its key, and a pool that
// contains the certificate.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certFile, keyFile = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	return certFile, keyFile, pool
}

// TestTLS checks that one port with TLS serves REST over HTTP/1.1 and HTTP/2, every RPC protocol, and WebSockets.
func TestTLS(t *testing.T) {
	cert, key, pool := certificate(t)
	s, p := start(t, nginxtest.Config{Certificate: cert, Key: key}), &profile{}
	trust := func() *tls.Config { return &tls.Config{RootCAs: pool} }
	for _, version := range []int{1, 2} {
		transport := &http.Transport{TLSClientConfig: trust(), ForceAttemptHTTP2: version == 2}
		s.client.Transport = transport
		resp, _ := s.ask(t, "GET", "/api/v1/users/me", http.Header{"X-Forwarded-Proto": {"http"}}, nil)
		if resp.ProtoMajor != version || resp.Header.Get("Got-X-Forwarded-Proto") != "https" ||
			resp.Header.Get("Strict-Transport-Security") != "max-age=31536000" {
			t.Errorf("got %s %s with header %v, want HTTP/%d, X-Forwarded-Proto https and HSTS", resp.Proto, resp.Status,
				resp.Header, version)
		}
		resp, body := s.ask(t, "GET", "/loyalty.users.v1.LedgerService/AddTransaction", nil, nil)
		checkProblem(t, resp, body, apperr.NotFound, "/loyalty.users.v1.LedgerService/AddTransaction")
		resp, body = s.ask(t, "POST", "/api/v1/promotions", nil, io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20+1))))
		checkProblem(t, resp, body, apperr.PayloadTooLarge, "/api/v1/promotions")
		transport.CloseIdleConnections()
	}
	resp, body := raw(t, s.Address, "GET /api/v1/users HTTP/1.1\r\nHost: x\r\n\r\n")
	checkProblem(t, resp, body, apperr.ValidationFailed, "/api/v1/users")
	old := trust()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if conn, err := tls.Dial("tcp", s.Address, old); err == nil {
		conn.Close()
		t.Error("Nginx accepted TLS 1.1, want an error")
	}
	s.serve("notifications", echo(t))
	checkEcho(t, &websocket.Dialer{TLSClientConfig: trust()}, "wss", s)
	_, handler := usersv1connect.NewUserServiceHandler(p)
	s.serve("users", handler)
	for name, options := range protocols() {
		t.Run(name, func(t *testing.T) {
			call(t, p, &http.Transport{TLSClientConfig: trust(), ForceAttemptHTTP2: true}, s.url, options...)
		})
	}
}
