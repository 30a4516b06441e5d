// Package gateway is the platform's front door in one process: it routes public paths to the services, answers the
// health checks and the API documentation, and keeps out everything else. In production Nginx does the same.
package gateway

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"

	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1connect"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/buildinfo"
	"github.com/casino-loyalty/loyalty/internal/gateway/apidocs"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// Services are what the gateway stands in front of.
type Services struct {
	// Users, Promotions and Notifications serve the public routes. Requests for a nil one, not started yet, are answered
	// with DEPENDENCY_UNAVAILABLE.
	Users, Promotions, Notifications http.Handler
	// Ready says by service name whether a service can work: nil, or the reason why not, which only the log sees. It is
	// called concurrently and must end with its context.
	Ready map[string]func(context.Context) error
}

// Options are the gateway's settings.
type Options struct {
	// Docs holds the OpenAPI documents, "users.openapi.yaml" and so on; nil for none.
	Docs fs.FS
	// Index serves the page at "/"; nil for none.
	Index http.Handler
	// Log is told what the health checks find. Nil is silence.
	Log *slog.Logger
}

// New returns the gateway's handler. Upgraded connections pass through it.
func New(s Services, o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &health{ready: s.Ready, log: o.Log}
	routes := []route{
		{"/api/v1/auth/", s.Users},
		{"/api/v1/users", s.Users},
		{"/api/v1/promotions", s.Promotions},
		{"/api/v1/notifications", s.Notifications},
		{"/notifications/ws", exactly("/notifications/ws", s.Notifications)},
		{"/.well-known/jwks.json", exactly("/.well-known/jwks.json", s.Users)},

		// The ledger's own service, LedgerService, is for the other services only and deliberately not here.
		{procedures(usersv1connect.AuthServiceName), s.Users},
		{procedures(usersv1connect.UserServiceName), s.Users},
		{procedures(promotionsv1connect.PromotionServiceName), s.Promotions},
		{procedures(notificationsv1connect.NotificationServiceName), s.Notifications},

		{"/health", h},
		{buildinfo.Path, exactly(buildinfo.Path, readOnly(buildinfo.Handler()))},
	}
	if o.Docs != nil {
		for _, name := range []string{"users", "promotions", "notifications"} {
			routes = append(routes, route{"/" + name + "/api-docs", apidocs.New(name, o.Docs, rpcserver.WriteProblem)})
		}
	}
	if o.Index != nil {
		routes = append(routes, route{"/", exactly("/", o.Index)})
	}
	return &gateway{routes: routes}
}

// procedures is the path above those of a service's methods in Connect and gRPC.
func procedures(service string) string { return "/" + service + "/" }

type gateway struct {
	routes []route
}

// route gives a handler the path prefix and all below it. A prefix that ends in a slash does not match without it.
type route struct {
	prefix  string
	handler http.Handler
}

func (r route) matches(p string) bool {
	rest, ok := strings.CutPrefix(p, r.prefix)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(r.prefix, "/"))
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	identify(w, r)
	forward(r)
	// Only paths in their plain form are routed, so that no service behind can read another path into one.
	if isPlain(r.URL.Path) {
		for _, route := range g.routes {
			if !route.matches(r.URL.Path) {
				continue
			}
			if route.handler == nil {
				rpcserver.WriteProblem(w, r, apperr.New(apperr.DependencyUnavailable, "the service is not ready yet"))
				return
			}
			route.handler.ServeHTTP(w, r)
			return
		}
	}
	notFound(w, r)
}

// isPlain reports whether the path is absolute and free of empty, "." and ".." segments.
func isPlain(p string) bool {
	return strings.HasPrefix(p, "/") && (path.Clean(p) == p || path.Clean(p)+"/" == p)
}

// exactly serves one path and nothing below it.
func exactly(p string, h http.Handler) http.Handler {
	if h == nil {
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != p {
			notFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
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

func notFound(w http.ResponseWriter, r *http.Request) {
	rpcserver.WriteProblem(w, r, apperr.New(apperr.NotFound, "there is no such route"))
}
