// Package nginx_test runs the real Nginx with the configuration of deploy/nginx in front of two fake replicas of each
// service, and checks its behaviour as a client.
package nginx_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/gateway"
	"github.com/casino-loyalty/loyalty/internal/gateway/nginxtest"
)

// replica is a fake replica of a service. It answers with the service's name and the headers that it received, unless
// handler is set.
type replica struct {
	service, address string
	server           *gateway.Server
	handler          atomic.Pointer[http.Handler]
	requests         atomic.Int64 // without health checks
	unready          atomic.Bool
	listener         *trackingListener
}

// trackingListener remembers the connections that it accepted.
type trackingListener struct {
	net.Listener
	mu    sync.Mutex
	conns []*trackedConn
}

type trackedConn struct {
	*net.TCPConn
	once   sync.Once
	closed chan struct{}
}

func (l *trackingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &trackedConn{TCPConn: conn.(*net.TCPConn), closed: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, c)
	return c, nil
}

func (c *trackedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.TCPConn.Close()
}

// shutdown closes the port, ends the sending direction of all connections, and waits until the client has closed them.
func (l *trackingListener) shutdown() {
	_ = l.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.CloseWrite()
	}
	for _, c := range l.conns {
		<-c.closed
	}
}

func (r *replica) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/health" {
		if r.unready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return
	}
	r.requests.Add(1)
	if h := r.handler.Load(); h != nil {
		(*h).ServeHTTP(w, request)
		// Like the services do: otherwise the server may reset the stream, and Nginx would then cut the answer off.
		_, _ = io.Copy(io.Discard, request.Body)
		return
	}
	w.Header().Set("Service", r.service)
	w.Header().Set("Got-Host", request.Host)
	for header, values := range request.Header {
		w.Header()["Got-"+header] = values
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	w.Header().Set("Got-Body-Length", strconv.Itoa(len(body)))
	io.WriteString(w, request.RequestURI)
}

func (r *replica) serve(h http.Handler) { r.handler.Store(&h) }

// kill closes the replica's port and all its connections. It returns when Nginx has noticed: Nginx would send a request on an
// open connection to the dead replica, and could not know whether the replica has received the request.
func (r *replica) kill() {
	r.listener.shutdown()
	_ = r.server.Close()
}

// stack is Nginx with its replicas.
type stack struct {
	*nginxtest.Server
	url, scheme string
	replicas    map[string][]*replica
	client      *http.Client
}

var services = []string{"users", "promotions", "notifications"}

// start starts two replicas of each service, on two loopback addresses, and Nginx in front of them.
func start(t *testing.T, c nginxtest.Config) *stack {
	t.Helper()
	s := &stack{replicas: map[string][]*replica{}, scheme: "http"}
	c.Replicas = map[string][]string{}
	for _, service := range services {
		for _, host := range []string{"127.0.0.11", "127.0.0.12"} {
			r := startReplica(t, service, host+":0")
			s.replicas[service] = append(s.replicas[service], r)
			c.Replicas[service] = append(c.Replicas[service], r.address)
		}
	}
	if c.Certificate != "" {
		s.scheme = "https"
	}
	s.Server = nginxtest.Start(t, c)
	s.url = s.scheme + "://" + s.Address
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	s.client = &http.Client{Transport: transport}
	return s
}

func startReplica(t *testing.T, service, address string) *replica {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{
		service: service, address: listener.Addr().String(), listener: &trackingListener{Listener: listener},
	}
	r.server = gateway.NewServer(r, slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- r.server.Serve(r.listener) }()
	t.Cleanup(func() {
		r.kill()
		if err := <-served; !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return r
}

// serve sets the handler of all replicas of a service.
func (s *stack) serve(service string, h http.Handler) {
	for _, r := range s.replicas[service] {
		r.serve(h)
	}
}

// count returns the number of requests that the replicas of a service received.
func (s *stack) count(service string) int64 {
	var n int64
	for _, r := range s.replicas[service] {
		n += r.requests.Load()
	}
	return n
}

// ask sends a request with exactly the given path. The HTTP client does not clean or escape the path.
func (s *stack) ask(t *testing.T, method, path string, header http.Header, body io.Reader) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url, body)
	if err != nil {
		t.Fatal(err)
	}
	opaque, query, _ := strings.Cut(path, "?")
	r.URL = &url.URL{Scheme: s.scheme, Host: s.Address, Opaque: opaque, RawQuery: query}
	maps.Copy(r.Header, header)
	resp, err := s.client.Transport.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp, string(content)
}

// checkProblem checks a problem document from Nginx itself. Its status and title must be those of the code in the schema.
func checkProblem(t *testing.T, resp *http.Response, body string, code apperr.Code, instance string) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("status %d, body %q: %v", resp.StatusCode, body, err)
	}
	info := code.Info()
	want := map[string]any{
		"type": "urn:loyalty:error:" + string(code), "title": info.Title, "status": float64(info.HTTP), "code": string(code),
		"instance": instance, "requestId": resp.Header.Get("X-Request-Id"),
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
	members := []string{"code", "detail", "instance", "requestId", "status", "title", "type"}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, members) || got["detail"] == "" || got["requestId"] == "" {
		t.Errorf("the problem is %s, want the members %v", body, members)
	}
	if resp.StatusCode != info.HTTP {
		t.Errorf("status %d, want %d: %s", resp.StatusCode, info.HTTP, body)
	}
	wantHeader := map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
	if info.HTTP == http.StatusTooManyRequests || info.HTTP == http.StatusServiceUnavailable {
		wantHeader["Retry-After"] = "1"
	}
	for name, value := range wantHeader {
		if values := resp.Header.Values(name); len(values) != 1 || values[0] != value {
			t.Errorf("%s is %q, want %q", name, values, value)
		}
	}
}

// profile answers GetMe with the value of the header Authorization as the id. It fails if the header is missing.
type profile struct {
	usersv1connect.UnimplementedUserServiceHandler
	realIP atomic.Pointer[string]
}

func (p *profile) GetMe(_ context.Context, r *connect.Request[usersv1.GetMeRequest]) (*connect.Response[usersv1.User], error) {
	address := strings.Join(r.Header().Values("X-Real-Ip"), ",")
	p.realIP.Store(&address)
	id := r.Header().Get("Authorization")
	if id == "" {
		return nil, connect.NewError(connect.CodeUnauthenticated, errors.New("no token"))
	}
	answer := connect.NewResponse(&usersv1.User{Id: id, Email: strings.Repeat("e", 100_000)})
	answer.Trailer().Set("Sent-After", "the message")
	return answer, nil
}
