// Package rpcserver serves the RPCs of the schema. It turns Connect handlers into the public http.Handler of a service:
// Connect, gRPC and gRPC-Web at the protobuf paths, and REST under /api/ as the google.api.http options define. Every
// request goes through the same steps: request id, log, authenticate, authorize, read and decode the body, recover, timeout,
// normalize, validate, map errors, hide what only employees see, look up the Idempotency-Key. The options of a method
// configure the steps. Handler returns an error for a method without an access option. Rate limits are part of the use
// cases.
//
// The package also has the server and the client of internal gRPC calls, [NewInternal] and [DialInternal]. They follow the
// same rules for requests and errors.
package rpcserver

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
	"github.com/casino-loyalty/loyalty/internal/schema/restroute"
	"github.com/casino-loyalty/loyalty/internal/staffonly"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// readFactor times MaxBody is the maximum size of a message that Connect accepts. readBody refuses larger bodies
// earlier. The factor leaves room for violations that are attached to a message.
const readFactor = 4

// compressFrom is the minimum size, in bytes, of answers that Connect compresses if the client supports it.
const compressFrom = 1 << 10

// Config configures a Server.
type Config struct {
	// Service is the name of the service, such as "promotions".
	Service string
	// Authenticator authenticates access tokens.
	Authenticator Authenticator
	Log           *slog.Logger
	// MaxBody is the maximum size of a request, in bytes after decompression. Zero means limits.Body.
	MaxBody int
	// For methods that need no token, the next three limits are at most those for anonymous bodies in package limits.
	//
	// Bodies and BodiesPerAddress are the maximum memory of the bodies of all requests in progress, and of those of one
	// address, in bytes. Zero means limits.Bodies and limits.BodiesPerAddress.
	Bodies, BodiesPerAddress int
	// BodyTimeout is the time in which a body must arrive. Zero means limits.BodyTimeout.
	BodyTimeout time.Duration
	// Timeout limits the duration of a call. Zero means limits.Call. It ends calls that wait for a dependency that does not
	// answer.
	Timeout time.Duration
	// TrustedProxies are the addresses of proxies whose X-Real-IP header is trusted.
	TrustedProxies []netip.Prefix
	// Ready returns an error if the service is not ready, for /health and for the gRPC health protocol. A nil Ready means
	// that the service is always ready. The server does not log the error; see package readiness.
	Ready func(context.Context) error
	// Started returns an error while the service cannot serve calls at all, such as before its database is migrated. Calls
	// then get DEPENDENCY_UNAVAILABLE. A nil Started means that the service can always serve calls.
	Started func() error
	// FreshFactor returns nil if the caller has no second factor, or presented it recently in the session of the call.
	// Otherwise it returns MFA_REQUIRED. Methods with the access option step_up need it.
	FreshFactor func(context.Context, authn.Caller) error
	// Reflection enables gRPC server reflection.
	Reflection bool
	// Observer counts the calls, and the requests that are refused before they reach a procedure. It is optional.
	Observer Observer
	// AccessLog selects the requests that are logged.
	AccessLog AccessLog
	// Tracer traces the calls. It is optional.
	Tracer *tracing.Tracer
	// Answers stores the answers to calls with an Idempotency-Key. If it is nil, the server ignores the keys.
	Answers Answers
	// RequestKey makes the fingerprints of requests with secrets, such as passwords. It is required if Answers is set and a
	// method with an Idempotency-Key has such a request.
	RequestKey idempotency.SecretKey
}

// Server collects handlers. Call Mount and Handle for all of them, then call Handler. The methods of a Server are not safe
// for concurrent use. The handler that Handler returns is safe for concurrent use.
type Server struct {
	cfg       Config
	validator *validation.Validator
	errors    *connect.ErrorWriter
	methods   map[string]*method // by procedure
	services  []service
	plain     map[string]http.Handler // by pattern
	errs      []error

	security   securityLog
	attachment attachment
	bodies     *bodies   // of methods that need a token
	anonymous  *bodies   // of the others
	gzips      sync.Pool // of *gzip.Reader
	calls      calls
	quota      quota

	distrust sync.Once // for the warning about an untrusted proxy
}

type service struct {
	desc    protoreflect.ServiceDescriptor
	handler http.Handler
}

// method describes a procedure of the schema.
type method struct {
	// procedure is the path of the method, such as "/loyalty.users.v1.AuthService/Login".
	procedure string

	desc   protoreflect.MethodDescriptor
	access access
	// audited is nil if the calls are not audited.
	audited *audited
	// status is the HTTP status of success over REST.
	status int
	// resource is the field of the request that is the body over REST, or nil.
	resource protoreflect.FieldDescriptor
	routes   []*route
	// idempotency says how the method uses the header Idempotency-Key.
	idempotency restroute.Idempotency
	// staffOnly are the fields of answers that only employees see, or nil.
	staffOnly *staffonly.Fields
}

// New returns a Server without handlers. It returns an error that names the first setting that is missing or invalid.
func New(cfg Config) (*Server, error) {
	switch {
	case cfg.Service == "":
		return nil, errors.New("rpcserver: Service is not set")
	case cfg.Authenticator == nil:
		return nil, errors.New("rpcserver: Authenticator is not set")
	case cfg.Log == nil:
		return nil, errors.New("rpcserver: Log is not set")
	case cfg.MaxBody < 0:
		return nil, errors.New("rpcserver: MaxBody is negative")
	case cfg.Bodies < 0 || cfg.BodiesPerAddress < 0:
		return nil, errors.New("rpcserver: Bodies or BodiesPerAddress is negative")
	case cfg.BodyTimeout < 0:
		return nil, errors.New("rpcserver: BodyTimeout is negative")
	case cfg.Timeout < 0:
		return nil, errors.New("rpcserver: Timeout is negative")
	}
	cfg.MaxBody = cmp.Or(cfg.MaxBody, limits.Body)
	cfg.BodyTimeout = cmp.Or(cfg.BodyTimeout, limits.BodyTimeout)
	cfg.Timeout = cmp.Or(cfg.Timeout, limits.Call)
	cfg.Observer = orIgnore(cfg.Observer)
	s := &Server{
		cfg: cfg, methods: map[string]*method{}, plain: map[string]http.Handler{}, security: newSecurityLog(cfg.Log),
		quota: quota{limit: limits.AnswersPerHour},
	}
	known, anonymous := newBodyLimits(cfg)
	s.bodies, s.anonymous = newBodies(known), newBodies(anonymous)
	if _, err := rand.Read(s.attachment[:]); err != nil {
		return nil, err
	}
	s.errors = connect.NewErrorWriter(s.Options()...)
	return s, nil
}

// Options returns the options for every generated New…Handler function. A handler without them has no access control.
func (s *Server) Options() []connect.HandlerOption {
	return []connect.HandlerOption{
		connect.WithInterceptors(s.interceptors()...),
		connect.WithCodec(jsonCodec{nameJSON, s.attachment}),
		connect.WithCodec(jsonCodec{nameJSONCharset, s.attachment}),
		connect.WithCodec(protoCodec{s.attachment}),
		connect.WithCodec(restCodec{}),
		connect.WithCodec(csvCodec{}),
		connect.WithReadMaxBytes(readFactor * s.cfg.MaxBody),
		connect.WithCompressMinBytes(compressFrom),
	}
}

// Mount adds the handler of a service. The arguments are the results of a generated New…Handler function. If the options of
// a method are invalid, Handler returns an error.
func (s *Server) Mount(path string, h http.Handler) {
	name := strings.Trim(path, "/")
	desc, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	sd, ok := desc.(protoreflect.ServiceDescriptor)
	if err != nil || !ok {
		s.errs = append(s.errs, fmt.Errorf("%s is not a service of the schema", name))
		return
	}
	for i := range sd.Methods().Len() {
		if err := s.mountMethod(sd.Methods().Get(i)); err != nil {
			s.errs = append(s.errs, err)
		}
	}
	s.services = append(s.services, service{sd, h})
}

func (s *Server) mountMethod(md protoreflect.MethodDescriptor) error {
	procedure := procedureOf(md)
	if _, ok := s.methods[procedure]; ok {
		return fmt.Errorf("%s is mounted twice", md.FullName())
	}
	if md.IsStreamingClient() || md.IsStreamingServer() {
		return fmt.Errorf("%s is a stream, which is not supported", md.FullName())
	}
	a, err := accessOf(md)
	if err != nil {
		return err
	}
	m := &method{procedure: procedure, desc: md, access: a, status: http.StatusOK, staffOnly: staffOnlyOf(md, a)}
	if n, ok := proto.GetExtension(md.Options(), optionsv1.E_SuccessStatus).(int32); ok && n != 0 {
		m.status = int(n)
	}
	if m.routes, err = routesOf(m); err != nil {
		return err
	}
	if a.stepUp && s.cfg.FreshFactor == nil {
		return fmt.Errorf("%s needs FreshFactor", md.FullName())
	}
	if m.audited, err = auditOf(md, a, m.routes); err != nil {
		return err
	}
	if len(m.routes) > 0 {
		m.resource = m.routes[0].resource
	}
	if m.idempotency, err = restroute.IdempotencyOf(md); err != nil {
		return err
	}
	if m.idempotency == restroute.StoredAnswer && s.cfg.Answers != nil && len(s.cfg.RequestKey) == 0 &&
		restroute.HasSecrets(md.Input()) {
		return fmt.Errorf("%s has secrets in its request, but RequestKey is not set", md.FullName())
	}
	s.methods[procedure] = m
	return nil
}

// Handle adds a handler that is not an RPC, at a pattern of http.ServeMux. The handler authenticates callers itself. It gets
// the original ResponseWriter, so it can hijack the connection. RequestID, ClientAddr and WriteProblem work in it.
func (s *Server) Handle(pattern string, h http.Handler) {
	if _, ok := s.plain[pattern]; ok {
		s.errs = append(s.errs, fmt.Errorf("the pattern %q is used twice", pattern))
	}
	s.plain[pattern] = h
}

// Handler returns the handler of everything that Mount and Handle have added. It returns an error that names every method
// that cannot be served and every conflict between routes.
func (s *Server) Handler() (http.Handler, error) {
	d, err := s.dispatcher()
	if err != nil {
		return nil, fmt.Errorf("rpcserver %s: %w", s.cfg.Service, err)
	}
	return d, nil
}

func (s *Server) dispatcher() (*dispatcher, error) {
	if err := errors.Join(s.errs...); err != nil {
		return nil, err
	}
	inputs := make([]protoreflect.MessageDescriptor, 0, len(s.methods))
	for _, m := range s.methods {
		inputs = append(inputs, m.desc.Input())
	}
	var err error
	if s.validator, err = validation.New(inputs...); err != nil {
		return nil, err
	}
	d := &dispatcher{server: s, mux: http.NewServeMux(), procedures: map[string]bool{}}
	if err := s.handleREST(d); err != nil {
		return nil, err
	}
	errs := []error{s.handleRPC(d)}
	for pattern, h := range s.plain {
		errs = append(errs, handle(d.mux, pattern, h))
	}
	return d, errors.Join(errs...)
}

// handle adds a handler to a mux. If the pattern is invalid or conflicts with another one, the mux panics, and handle
// returns the panic as an error.
func handle(mux *http.ServeMux, pattern string, h http.Handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("pattern %q: %v", pattern, p)
		}
	}()
	mux.Handle(pattern, h)
	return nil
}

// handleRPC adds every procedure at its own path, so that the dispatcher answers calls of unknown procedures. It also adds
// the handlers for health and reflection.
func (s *Server) handleRPC(d *dispatcher) error {
	var errs []error
	names := make([]string, 0, len(s.services))
	for _, svc := range s.services {
		names = append(names, string(svc.desc.FullName()))
		for i := range svc.desc.Methods().Len() {
			procedure := procedureOf(svc.desc.Methods().Get(i))
			pattern := "POST " + procedure
			errs = append(errs, handle(d.mux, pattern, s.rpc(s.methods[procedure], svc.handler)))
			d.procedures[pattern] = true
		}
	}
	d.mux.Handle(grpchealth.NewHandler(&readiness{s, names}, connect.WithReadMaxBytes(limits.ControlMessage)))
	if s.cfg.Reflection {
		for _, h := range Reflection(names...) {
			d.mux.Handle(h.Path, h)
		}
	}
	d.mux.HandleFunc("GET /health", s.health)
	d.mux.HandleFunc("GET /health/live", s.live)
	return errors.Join(errs...)
}

// handleREST adds the REST routes of the schema.
func (s *Server) handleREST(d *dispatcher) error {
	var routes []restroute.Route
	for _, m := range s.methods {
		for _, r := range m.routes {
			routes = append(routes, r.Route)
		}
	}
	slices.SortFunc(routes, func(a, b restroute.Route) int { return cmp.Compare(a.RPC, b.RPC) })
	if err := restroute.Check(routes); err != nil {
		return err
	}
	for _, svc := range s.services {
		for i := range svc.desc.Methods().Len() {
			m := s.methods[procedureOf(svc.desc.Methods().Get(i))]
			for _, r := range m.routes {
				handler := s.handleRoute(m, r, svc.handler)
				if r.upload != nil {
					handler = s.handleUpload(m, r, svc.handler)
				}
				d.rest.add(r.Route, target{handler, r.String(), true})
			}
		}
	}
	return nil
}

// procedureOf returns the path of a method.
func procedureOf(md protoreflect.MethodDescriptor) string {
	return fmt.Sprintf("/%s/%s", md.Parent().FullName(), md.Name())
}

func tooLarge(limit int) *apperr.Error {
	return apperr.New(apperr.PayloadTooLarge, "the request exceeds %d bytes", limit)
}
