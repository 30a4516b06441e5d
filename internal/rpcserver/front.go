package rpcserver

import (
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// front is the outermost handler: it begins and ends the exchange of every request, and answers for what has no route.
type front struct {
	server *Server
	mux    *http.ServeMux
	// calls are the patterns of the API, not those of health checks or sockets: their requests are logged as calls, and
	// their answers are not to be stored on the way.
	calls map[string]bool
	// literal are the methods of the REST paths without variables. The mux finds "GET /promotions/{promotion_id}" for
	// "GET /promotions/claim", since that path has no GET of its own; a word in its place is no id.
	literal map[string][]string
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := f.server
	x, r := s.begin(r)
	w.Header().Set(HeaderRequestID, x.requestID)
	handler, pattern := f.mux.Handler(r)
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // net/http's own way to drop a connection
			}
			s.fail(w, r, apperr.New(apperr.Internal, "").WithCause(fmt.Errorf("panic at %s: %v", panicked(), p)))
		}
		if f.calls[pattern] || x.err != nil {
			s.logCall(r.Context(), x, called(x, r, pattern), slog.Duration("duration", time.Since(x.start)))
		}
	}()
	switch allow := f.literal[r.URL.EscapedPath()]; {
	case allow != nil && !slices.Contains(allow, r.Method):
		s.fail(w, r, wrongMethod(w, strings.Join(allow, ", ")))
	case !clean(r.URL.Path), pattern == "":
		s.fail(w, r, noRoute(w, r, handler))
	default:
		if f.calls[pattern] {
			w.Header().Set("Cache-Control", "no-store")
		}
		f.mux.ServeHTTP(w, r)
	}
}

// called names what was called, in the log: never the path itself, which is the client's text.
func called(x *requestInfo, r *http.Request, pattern string) string {
	switch {
	case x.procedure != "":
		return x.procedure
	case pattern != "":
		return pattern
	default:
		return r.Method + " (no route)"
	}
}

// clean reports whether a path is the only way to write it. The mux would redirect others, which helps no API client.
func clean(p string) bool {
	c := path.Clean(p)
	return c == p || strings.TrimSuffix(p, "/") == c
}

// noRoute says why the mux found no route: the method is another one where the mux knows the path.
func noRoute(w http.ResponseWriter, r *http.Request, handler http.Handler) *apperr.Error {
	probe := &probe{header: http.Header{}}
	if clean(r.URL.Path) {
		handler.ServeHTTP(probe, r)
	}
	if probe.status != http.StatusMethodNotAllowed {
		return apperr.New(apperr.NotFound, "there is nothing at this path")
	}
	return wrongMethod(w, probe.header.Get("Allow"))
}

func wrongMethod(w http.ResponseWriter, allow string) *apperr.Error {
	w.Header().Set("Allow", allow)
	return apperr.New(apperr.MethodNotAllowed, "allowed here: %s", allow)
}

// allow notes a method of a path without variables.
func (f *front) allow(pattern string) {
	method, path, _ := strings.Cut(pattern, " ")
	if strings.Contains(path, "{") {
		return
	}
	methods := append(slices.Clone(f.literal[path]), method)
	if method == http.MethodGet {
		methods = append(methods, http.MethodHead) // as the mux has it
	}
	slices.Sort(methods)
	f.literal[path] = methods
}

// probe is a ResponseWriter that only learns the status.
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

// fail answers a request that does not become a call, in the form that its client reads.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, e *apperr.Error) {
	if !rpcClient(r) {
		WriteProblem(w, r, e)
		return
	}
	requestInfoFrom(r.Context()).err = e
	_ = s.errors.Write(w, r, connectError(r.Context(), e)) // the client may be gone
}

// rpcClient reports whether a request comes from a client of Connect, gRPC or gRPC-Web.
func rpcClient(r *http.Request) bool {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Header.Get("Connect-Protocol-Version") != "" || strings.HasPrefix(media, "application/grpc") ||
		media == "application/proto" || strings.HasPrefix(media, "application/connect+")
}

// rpc answers what Connect would refuse without a body, and leaves the rest to it.
func (s *Server) rpc(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		switch {
		case err != nil || !servedMedia(media):
			s.fail(w, r, apperr.New(apperr.UnsupportedMediaType, "Connect, gRPC or gRPC-Web is spoken here"))
		case r.ContentLength > int64(readSlack*s.cfg.MaxBody):
			s.fail(w, r, tooLarge(s.cfg.MaxBody))
		case media == "application/json", media == "application/proto":
			s.unary(w, r, next)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func servedMedia(media string) bool {
	switch media {
	case "application/json", "application/proto",
		"application/grpc", "application/grpc+proto", "application/grpc+json",
		"application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json":
		return true
	default:
		return false
	}
}
