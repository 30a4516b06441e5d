package rpcserver

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// dispatcher is the outermost handler. It creates the requestInfo of every request, dispatches the request to its handler,
// answers requests without a route, and logs and counts the request.
type dispatcher struct {
	server *Server
	rest   router
	// mux serves everything except REST.
	mux *http.ServeMux
	// procedures are the mux patterns of RPCs. RPCs are logged, and their answers must not be cached. Neither applies to
	// health checks and WebSockets.
	procedures map[string]bool
}

// target is the handler of a request.
type target struct {
	handler http.Handler
	// name is the route in the form of http.ServeMux, for the log.
	name string
	// call is true for RPCs and REST.
	call bool
}

func (d *dispatcher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := d.server
	info, r := s.begin(r)
	w.Header().Set(HeaderRequestID, info.requestID)
	t, notServed := d.find(w, r)
	if body := r.Body; info.trusted && r.ProtoMajor == 2 {
		defer func() {
			if info.err != nil { // other calls have read their body
				discardProxied(w, body)
			}
		}()
	}
	var span *tracing.Span
	if t.call {
		s.cfg.Observer.Started()
		defer s.cfg.Observer.Ended()
		span, r = s.startTrace(r, info)
	}
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // net/http drops the connection
			}
			s.fail(w, r, apperr.New(apperr.Internal, "").WithCause(fmt.Errorf("panic at %s: %v", panicSite(), p)))
		}
		if t.call || info.err != nil {
			took := time.Since(info.start)
			info.gaveUp = info.gaveUp || gaveUp(r.Context(), info.start)
			s.cfg.Observer.Answered(info.procedure, info.code(), took)
			s.logRequest(r, info, t.name, took)
			endTrace(span, info, cmp.Or(strings.TrimPrefix(info.procedure, "/"), t.name))
		}
	}()
	switch {
	case notServed != nil:
		s.fail(w, r, notServed)
	case t.call && s.started() != nil:
		s.fail(w, r, apperr.New(apperr.DependencyUnavailable, "").WithCause(s.started()))
	default:
		if t.call {
			w.Header().Set("Cache-Control", "no-store")
		}
		t.handler.ServeHTTP(w, r)
	}
}

// started returns an error if the service cannot serve calls yet.
func (s *Server) started() error {
	if s.cfg.Started == nil {
		return nil
	}
	return s.cfg.Started()
}

// find returns the target of a request. Without a target it returns NOT_FOUND, or METHOD_NOT_ALLOWED with the header Allow
// set.
func (d *dispatcher) find(w http.ResponseWriter, r *http.Request) (target, *apperr.Error) {
	if escaped := r.URL.EscapedPath(); isClean(escaped) {
		if targets := d.rest.find(escaped); len(targets) > 0 {
			return d.findMethod(w, r, targets)
		}
	}
	if !isClean(r.URL.Path) {
		return target{}, notFound()
	}
	handler, pattern := d.mux.Handler(r)
	if pattern != "" {
		return target{d.mux, pattern, d.procedures[pattern]}, nil
	}
	probe := &probe{header: http.Header{}}
	handler.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		return target{}, methodNotAllowed(w, probe.header.Get("Allow"))
	}
	return target{}, notFound()
}

// findMethod returns the target for the request's method, or METHOD_NOT_ALLOWED. The keys of targets are the HTTP methods of
// the path.
func (d *dispatcher) findMethod(w http.ResponseWriter, r *http.Request, targets map[string]target) (target, *apperr.Error) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if t, ok := targets[method]; ok {
		return t, nil
	}
	allowed := slices.Collect(maps.Keys(targets))
	if targets[http.MethodGet].handler != nil {
		allowed = append(allowed, http.MethodHead)
	}
	slices.Sort(allowed)
	return target{}, methodNotAllowed(w, strings.Join(allowed, ", "))
}

// isClean reports whether a path has no empty, "." and ".." segments. The mux would redirect such paths, which does not help
// API clients.
func isClean(p string) bool {
	c := path.Clean(p)
	return c == p || strings.TrimSuffix(p, "/") == c
}

func notFound() *apperr.Error { return apperr.New(apperr.NotFound, "no route matches this path") }

func methodNotAllowed(w http.ResponseWriter, allowed string) *apperr.Error {
	w.Header().Set("Allow", allowed)
	return apperr.New(apperr.MethodNotAllowed, "allowed methods: %s", allowed)
}

// probe is a ResponseWriter that records the status and the header.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header { return p.header }
func (p *probe) WriteHeader(s int)   { p.status = s }
func (p *probe) Write(b []byte) (int, error) {
	if p.status == 0 {
		p.status = http.StatusOK
	}
	return len(b), nil
}

// fail writes the error of a request that does not reach the interceptors, in the format of the client's protocol.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, e *apperr.Error) {
	if !isRPCClient(r) {
		WriteProblem(w, r, e)
		return
	}
	requestInfoFrom(r.Context()).err = e
	_ = s.errors.Write(w, r, connectError(r.Context(), e)) // it fails only if the client has disconnected
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		// Otherwise net/http adds "Content-Length: 0", and Nginx then drops the trailers.
		_ = http.NewResponseController(w).Flush()
	}
}

// isRPCClient reports whether a request comes from a client of Connect, gRPC or gRPC-Web.
func isRPCClient(r *http.Request) bool {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Header.Get("Connect-Protocol-Version") != "" || strings.HasPrefix(media, "application/grpc") ||
		media == "application/proto" || strings.HasPrefix(media, "application/connect+")
}

// rpc passes the requests of a method to next, after the caller has been authenticated and the body has been read. Connect
// would refuse some requests without error details, so rpc refuses them itself.
func (s *Server) rpc(m *method, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || !isRPCMedia(media) {
			turnAway(w, r, apperr.New(apperr.UnsupportedMediaType,
				"the Content-Type must be that of Connect (application/json or application/proto), gRPC or gRPC-Web"), s.fail)
			return
		}
		ctx, refused := s.admit(r, m)
		if refused != nil {
			turnAway(w, r, refused, s.fail)
			return
		}
		l := s.lease(m, ClientAddr(r.Context()))
		defer l.release()
		framed := strings.HasPrefix(media, "application/grpc")
		body, refused := s.readMessage(w, r, l, framed)
		if refused != nil {
			s.fail(w, r, refused)
			return
		}
		r = r.WithContext(ctx)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		if framed {
			next.ServeHTTP(w, r)
		} else {
			s.unary(w, r, next)
		}
	})
}

func isRPCMedia(media string) bool {
	switch media {
	case "application/json", "application/proto",
		"application/grpc", "application/grpc+proto", "application/grpc+json",
		"application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json":
		return true
	default:
		return false
	}
}

// logRequest writes the log line of a request. The line contains the path only if the request was not found or its method
// is not allowed.
func (s *Server) logRequest(r *http.Request, info *requestInfo, route string, took time.Duration) {
	name := cmp.Or(info.procedure, route, r.Method+" (no route)")
	var more []slog.Attr
	if info.err != nil && (info.err.Code == apperr.NotFound || info.err.Code == apperr.MethodNotAllowed) {
		more = append(more, slog.String("path", LogPath(r)))
	}
	s.cfg.AccessLog.write(r.Context(), s.cfg.Log, info, name, took, more...)
}

// LogPath returns the path of a request for the log, without its query. It hides parts that may be a token, and shortens
// long paths.
func LogPath(r *http.Request) string {
	const maxPath = 200
	segments := strings.Split(r.URL.EscapedPath(), "/")
	for i, segment := range segments {
		parts := strings.Split(segment, ".")
		for j, part := range parts {
			if len(part) > len("0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001") {
				parts[j] = "…"
			}
		}
		segments[i] = strings.Join(parts, ".")
	}
	p := strings.ToValidUTF8(strings.Join(segments, "/"), "�")
	if len(p) > maxPath {
		p = strings.ToValidUTF8(p[:maxPath], "") + "…"
	}
	return p
}
