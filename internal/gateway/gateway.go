// Package gateway routes public paths to the services in one process. It also answers health checks, serves the API
// documentation, and answers NOT_FOUND for all other paths. In production Nginx does the same.
package gateway

import (
	"context"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"

	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1connect"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/buildinfo"
	"github.com/casino-loyalty/loyalty/internal/gateway/apidocs"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// Services are the services behind the gateway.
type Services struct {
	// Users, Promotions and Notifications serve the public routes. If a handler is nil, the gateway answers requests for its
	// routes with DEPENDENCY_UNAVAILABLE.
	Users, Promotions, Notifications http.Handler
	// Ready contains a readiness check for each service name. A check returns nil if the service is ready. The gateway
	// neither logs the error of a check nor sends it to clients. It calls checks concurrently. A check must return when its
	// context ends.
	Ready map[string]func(context.Context) error
}

// Options are the settings of the gateway.
type Options struct {
	// Docs contains the documents of the API: "users.openapi.yaml" and so on, and "asyncapi.yaml". Nil means no documents.
	Docs fs.FS
	// Index serves the page at "/". Nil means no page.
	Index http.Handler
	// Reflection enables gRPC server reflection and the gRPC health protocol for all services.
	Reflection bool
	// Log receives requests without a route. Nil means no log.
	Log *slog.Logger
}

// New returns the handler of the gateway. It passes upgraded connections through.
func New(s Services, o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &health{ready: s.Ready}
	g := &gateway{log: o.Log}
	g.add("/api/v1/auth/", s.Users)
	g.addBetween("/api/v1/users/", "/restrictions/refusals", s.Promotions)
	g.add("/api/v1/users", s.Users)
	g.add("/api/v1/audit", s.Users)
	g.add("/api/v1/promotions", s.Promotions)
	g.add("/api/v1/assignment-jobs", s.Promotions)
	g.add("/api/v1/anomalies", s.Promotions)
	g.add("/api/v1/notifications", s.Notifications)
	g.addExact("/notifications/ws", s.Notifications)
	g.addExact("/.well-known/jwks.json", s.Users)

	// LedgerService is only for other services, so it must not be in this list.
	g.add(procedures(usersv1connect.AuthServiceName), s.Users)
	g.add(procedures(usersv1connect.UserServiceName), s.Users)
	g.add(procedures(usersv1connect.AuditServiceName), s.Users)
	g.add(procedures(usersv1connect.RestrictionServiceName), s.Users)
	g.add(procedures(promotionsv1connect.PromotionServiceName), s.Promotions)
	g.add(procedures(promotionsv1connect.AnomalyServiceName), s.Promotions)
	g.add(procedures(promotionsv1connect.AssignmentJobServiceName), s.Promotions)
	g.add(procedures(notificationsv1connect.NotificationServiceName), s.Notifications)

	g.add("/health", h)
	g.addExact(buildinfo.Path, readOnly(buildinfo.Handler()))
	if o.Docs != nil {
		for _, name := range []string{"users", "promotions", "notifications"} {
			g.add("/"+name+"/api-docs", apidocs.New(name, o.Docs, rpcserver.WriteProblem))
		}
		g.addExact("/asyncapi.yaml", readOnly(apidocs.AsyncAPI(o.Docs, rpcserver.WriteProblem)))
	}
	if o.Reflection {
		g.addReflection(h)
	}
	if o.Index != nil {
		g.addExact("/", o.Index)
	}
	return g
}

// add routes a path prefix and all paths below it to a handler. A prefix that ends with a slash does not match the path
// without the slash.
func (g *gateway) add(prefix string, h http.Handler) {
	g.routes = append(g.routes, route{path: prefix, handler: h})
}

// addExact routes one path to a handler, but not the paths below it.
func (g *gateway) addExact(path string, h http.Handler) {
	g.routes = append(g.routes, route{path: path, exact: true, handler: h})
}

// addBetween routes the paths with a prefix and a suffix to a handler. The text between them can contain an escaped slash,
// as the service validates it.
func (g *gateway) addBetween(prefix, suffix string, h http.Handler) {
	g.routes = append(g.routes, route{path: prefix, suffix: suffix, handler: h})
}

// addReflection adds gRPC server reflection and the gRPC health protocol for the public services.
func (g *gateway) addReflection(h *health) {
	services := map[string]string{ // protobuf service name to name in Services.Ready
		usersv1connect.AuthServiceName:                 "users",
		usersv1connect.UserServiceName:                 "users",
		usersv1connect.AuditServiceName:                "users",
		usersv1connect.RestrictionServiceName:          "users",
		promotionsv1connect.PromotionServiceName:       "promotions",
		promotionsv1connect.AnomalyServiceName:         "promotions",
		promotionsv1connect.AssignmentJobServiceName:   "promotions",
		notificationsv1connect.NotificationServiceName: "notifications",
	}
	for _, r := range rpcserver.Reflection(slices.Sorted(maps.Keys(services))...) {
		g.add(r.Path, g.onlyGRPC(r))
	}
	path, handler := grpchealth.NewHandler(&grpcHealth{h, services}, connect.WithReadMaxBytes(limits.ControlMessage))
	g.add(path, g.onlyGRPC(handler))
}

// onlyGRPC answers NOT_FOUND to requests that are not gRPC or gRPC-Web.
func (g *gateway) onlyGRPC(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			g.notFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// procedures returns the path prefix of a service's methods in Connect and gRPC.
func procedures(service string) string { return "/" + service + "/" }

type gateway struct {
	routes []route
	log    *slog.Logger
}

type route struct {
	path    string
	exact   bool
	suffix  string // see addBetween
	handler http.Handler
}

func (r route) matches(p string) bool {
	rest, ok := strings.CutPrefix(p, r.path)
	if r.suffix != "" {
		return ok && strings.HasSuffix(strings.TrimSuffix(rest, "/"), r.suffix)
	}
	return ok && (rest == "" || !r.exact && (rest[0] == '/' || strings.HasSuffix(r.path, "/")))
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	identify(w, r)
	forward(r)
	// Only clean paths are routed, so that no service can interpret a path differently.
	if isClean(r.URL.Path) {
		for _, route := range g.routes {
			if !route.matches(r.URL.Path) {
				continue
			}
			if route.handler == nil {
				rpcserver.WriteProblem(w, r, apperr.New(apperr.DependencyUnavailable, "the service is starting"))
				return
			}
			route.handler.ServeHTTP(w, r)
			return
		}
	}
	g.notFound(w, r)
}

// notFound answers NOT_FOUND and logs the path.
func (g *gateway) notFound(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	rpcserver.WriteProblem(w, r, apperr.New(apperr.NotFound, "no route matches this path"))
	g.log.InfoContext(r.Context(), "request", "method", r.Method+" (no route)", "path", rpcserver.LogPath(r),
		"request_id", w.Header().Get(rpcserver.HeaderRequestID), "code", string(apperr.NotFound),
		"duration_ms", float64(time.Since(start).Microseconds())/1000)
}

// isClean reports whether a path is absolute and has no empty, "." and ".." segments.
func isClean(p string) bool {
	return strings.HasPrefix(p, "/") && (path.Clean(p) == p || path.Clean(p)+"/" == p)
}

// readOnly answers methods other than GET and HEAD with METHOD_NOT_ALLOWED.
func readOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			rpcserver.WriteProblem(w, r, apperr.New(apperr.MethodNotAllowed, "use GET or HEAD"))
			return
		}
		h.ServeHTTP(w, r)
	})
}
