package rpcserver_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// TestBodyIsReadAfterAuthorization sends requests of callers that may not call the method, with a body that must not be read.
func TestBodyIsReadAfterAuthorization(t *testing.T) {
	t.Parallel()
	h := handler(t)
	for _, caller := range []struct {
		token string
		code  apperr.Code
	}{{"", apperr.TokenMissing}, {"expired", apperr.TokenExpired}, {"unknown", apperr.TokenInvalid}, {"player", apperr.Forbidden}} {
		for name, target := range targets() {
			t.Run(name+", token "+caller.token, func(t *testing.T) {
				t.Parallel()
				body := &countingReader{r: strings.NewReader(`{"title":`)}
				r := target.request(t, caller.token, body)
				r.ProtoMajor, r.ProtoMinor, r.Proto = 2, 0, "HTTP/2.0"
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if n := body.n.Load(); n > 0 {
					t.Errorf("%d bytes of the body were read", n)
				}
				if got := codeOf(w.Result()); got != caller.code {
					t.Errorf("got %d %s, want %s", w.Code, got, caller.code)
				}
			})
		}
	}
}

// TestUnreadBodyOverHTTP1 sends refused requests with a body over one HTTP/1.1 connection. The server discards the body, so
// that the connection can be used again.
func TestUnreadBodyOverHTTP1(t *testing.T) {
	t.Parallel()
	s := start(t)
	conn, in := connectTo(t, s)
	for range 2 {
		body := strings.Repeat("x", limits.Body)
		_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			promotions, len(body), body)
		if err != nil {
			t.Fatal(err)
		}
		if res := response(t, in); res.StatusCode != http.StatusUnauthorized || res.Close {
			t.Errorf("got %d, close %t; want 401 and an open connection", res.StatusCode, res.Close)
		}
	}
}

// TestExpectContinue checks that a client that waits before it sends the body is asked for the body only if it may call the
// method.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	s := start(t)
	for token, want := range map[string]int{"unknown": http.StatusUnauthorized, "player": http.StatusForbidden, "staff": http.StatusContinue} {
		conn, in := connectTo(t, s)
		_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
			"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", promotions, token, len(complete))
		if err != nil {
			t.Fatal(err)
		}
		if res := response(t, in); res.StatusCode != want {
			t.Errorf("%s: got %d, want %d", token, res.StatusCode, want)
		}
		if want != http.StatusContinue {
			continue
		}
		if _, err := io.WriteString(conn, complete); err != nil {
			t.Fatal(err)
		}
		if res := response(t, in); res.StatusCode != http.StatusCreated {
			t.Errorf("%s: got %d after the body, want 201", token, res.StatusCode)
		}
	}
}

// TestUnreadableBodies sends bodies that cannot be read, over every protocol.
func TestUnreadableBodies(t *testing.T) {
	t.Parallel()
	h := handler(t)
	for name, tt := range map[string]struct {
		body   string
		err    error
		length int64
		code   apperr.Code
	}{
		"malformed chunk":      {`{`, errors.New("invalid byte in chunk length"), -1, apperr.ValidationFailed},
		"truncated":            {`{`, io.ErrUnexpectedEOF, 100, apperr.ValidationFailed},
		"too long, no length":  {strings.Repeat(" ", limits.Body+10), io.ErrUnexpectedEOF, -1, apperr.PayloadTooLarge},
		"too long with length": {``, io.ErrUnexpectedEOF, limits.Body + 10, apperr.PayloadTooLarge},
	} {
		for protocol, target := range targets() {
			t.Run(name+", "+protocol, func(t *testing.T) {
				t.Parallel()
				r := target.request(t, "staff", io.MultiReader(strings.NewReader(tt.body), failing{tt.err}))
				r.ContentLength = tt.length
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if got := codeOf(w.Result()); got != tt.code {
					t.Errorf("got %d %s %s, want %s", w.Code, got, w.Body, tt.code)
				}
			})
		}
	}
}

// TestUnreadableBodiesAreNotFailures sends malformed and truncated bodies over the network. The log must have no error.
func TestUnreadableBodiesAreNotFailures(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *rpcserver.Config) { c.BodyTimeout = 50 * time.Millisecond })
	for name, tt := range map[string]struct {
		framing string
		code    apperr.Code
	}{
		"malformed chunk": {"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", apperr.ValidationFailed},
		"slow":            {"Content-Length: 100\r\n\r\n{", apperr.RequestTimeout},
		"slow chunks":     {"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", apperr.RequestTimeout},
	} {
		for _, path := range []string{promotions, procedure + "CreatePromotion"} {
			conn, in := connectTo(t, s)
			_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer staff\r\n"+
				"Content-Type: application/json\r\n%s", path, tt.framing)
			if err != nil {
				t.Fatal(err)
			}
			res := response(t, in)
			if got := codeOf(res); got != tt.code || res.StatusCode != tt.code.Info().HTTP || !res.Close {
				t.Errorf("%s, %s: got %d %s, close %t; want %s and a closed connection", name, path, res.StatusCode, got, res.Close, tt.code)
			}
		}
	}
	if log := s.log().String(); strings.Contains(log, "ERROR") || strings.Contains(log, "WARN") {
		t.Errorf("the log contains a failure:\n%s", log)
	}
}

// TestSlowBodiesOverGRPC sends an unfinished message over HTTP/2.
func TestSlowBodiesOverGRPC(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *rpcserver.Config) { c.BodyTimeout = 50 * time.Millisecond })
	body, unfinished := io.Pipe()
	defer func() { _ = unfinished.Close() }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+procedure+"CreatePromotion", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Authorization", "Bearer staff")
	res, err := h2c(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if got := codeOf(res); got != apperr.RequestTimeout {
		t.Errorf("got %d %s, want REQUEST_TIMEOUT", res.StatusCode, got)
	}
	if log := s.log().String(); strings.Contains(log, "ERROR") || strings.Contains(log, "WARN") {
		t.Errorf("the log contains a failure:\n%s", log)
	}
}

// target is a method that only staff may call, in one protocol.
type target struct{ path, media string }

func targets() map[string]target {
	return map[string]target{
		"REST":    {promotions, "application/json"},
		"Connect": {procedure + "CreatePromotion", "application/json"},
		"proto":   {procedure + "CreatePromotion", "application/proto"},
		"gRPC":    {procedure + "CreatePromotion", "application/grpc"},
		"web":     {procedure + "CreatePromotion", "application/grpc-web+proto"},
	}
}

func (c target) request(t *testing.T, token string, body io.Reader) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.path, body)
	r.Header.Set("Content-Type", c.media)
	r.Header.Set("Connect-Protocol-Version", "1")
	if c.media != "application/json" || c.path == promotions {
		r.Header.Del("Connect-Protocol-Version")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// codeOf returns the error code in an answer of any protocol, or "".
func codeOf(res *http.Response) apperr.Code {
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return apperr.Code(err.Error())
	}
	text := string(body) + decoded(res.Header.Get("Grpc-Status-Details-Bin")) + decoded(res.Trailer.Get("Grpc-Status-Details-Bin"))
	if _, encoded, ok := strings.Cut(string(body), "grpc-status-details-bin: "); ok {
		encoded, _, _ = strings.Cut(encoded, "\r\n")
		text += decoded(encoded)
	}
	for _, code := range slices.Sorted(maps.Keys(apperr.Codes())) {
		if strings.Contains(text, `"`+string(code)+`"`) || strings.Contains(text, string(byte(len(code)))+string(code)+"\x12") {
			return code
		}
	}
	return ""
}

type countingReader struct {
	r io.Reader
	n atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// failing is a reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func connectTo(t *testing.T, s *service) (net.Conn, *bufio.Reader) {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, bufio.NewReader(conn)
}

// response reads a response with its body.
func response(t *testing.T, in *bufio.Reader) *http.Response {
	t.Helper()
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode == http.StatusContinue {
		return res
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	res.Body = io.NopCloser(strings.NewReader(string(body)))
	return res
}

// decoded decodes the header with the details of a gRPC error.
func decoded(detail string) string {
	b, err := connect.DecodeBinaryHeader(detail)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// handler returns the handler of a server with the use cases of the tests.
func handler(tb testing.TB, change ...func(*rpcserver.Config)) http.Handler {
	tb.Helper()
	cfg := rpcserver.Config{Service: "test", Authenticator: tokens{}, FreshFactor: fresh, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	s, err := rpcserver.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	s.Mount(promotionsv1connect.NewPromotionServiceHandler(&useCases{}, s.Options()...))
	s.Mount(usersv1connect.NewAuthServiceHandler(&useCases{}, s.Options()...))
	h, err := s.Handler()
	if err != nil {
		tb.Fatal(err)
	}
	return h
}
