// Package rpcserver serves the schema. It turns Connect handlers into a service's public http.Handler: Connect, gRPC
// and gRPC-Web at the protobuf paths, REST under /api/ by the schema's google.api.http, and around all of them the same
// steps: request id, log, recover, bound in time, authenticate, authorise, normalise, validate, map errors. What a step
// does for a method it reads from the method's options; a method that does not say who may call it is not served. How
// often somebody may call is a rule of the use case, which knows whom a limit protects.
//
// It also has both ends of the internal gRPC ([NewInternal], [DialInternal]), which follow the same rules for requests
// and errors.
package rpcserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
	"connectrpc.com/vanguard"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
)

// DefaultMaxBody is how many bytes a request may have unless configured.
const DefaultMaxBody = 1 << 20

// DefaultTimeout is how long a call may take unless configured: more than any of them needs, so that none waits for a
// dependency that fell silent longer than its client would.
const DefaultTimeout = 20 * time.Second

// readSlack is how far beyond MaxBody Connect reads: what is too large by less is answered with details, by a codec.
const readSlack = 4

// compressFrom is the size from which Connect compresses answers, where the client asks for it.
const compressFrom = 1 << 10

// Config is what a Server needs.
type Config struct {
	// Service is the service's name, "promotions".
	Service string
	// Authenticator tells who an access token speaks for.
	Authenticator Authenticator
	Log           *slog.Logger
	// MaxBody is how many bytes a request may have, decompressed; zero is DefaultMaxBody.
	MaxBody int
	// Timeout bounds each call; zero is DefaultTimeout.
	Timeout time.Duration
	// TrustedProxies may say in X-Real-IP who the client is.
	TrustedProxies []netip.Prefix
	// Ready reports what the service lacks for working, at /health and over gRPC's health protocol; nil lacks nothing.
	Ready func(context.Context) error
}

// Server collects what is to be served. Mount and Handle everything, then take the Handler; none of it is safe for
// concurrent use, the Handler is.
type Server struct {
	cfg       Config
	validator *validation.Validator
	errors    *connect.ErrorWriter
	methods   map[string]method // by procedure
	services  []service
	plain     map[string]http.Handler // by pattern
	errs      []error
}

type service struct {
	desc    protoreflect.ServiceDescriptor
	handler http.Handler
}

// method is what the schema says about one procedure.
type method struct {
	desc   protoreflect.MethodDescriptor
	access access
	// status is that of success over REST.
	status int
}

// New returns an empty Server, or an error that names a setting that is missing.
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
	case cfg.Timeout < 0:
		return nil, errors.New("rpcserver: Timeout is negative")
	}
	cfg.MaxBody = cmp.Or(cfg.MaxBody, DefaultMaxBody)
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	s := &Server{cfg: cfg, methods: map[string]method{}, plain: map[string]http.Handler{}}
	s.errors = connect.NewErrorWriter(s.Options()...)
	return s, nil
}

// Options are what every generated New…Handler must be given: without them a handler has no access control.
func (s *Server) Options() []connect.HandlerOption {
	return []connect.HandlerOption{
		connect.WithInterceptors(s.interceptors()...),
		connect.WithCodec(jsonCodec{nameJSON, s.cfg.MaxBody}),
		connect.WithCodec(jsonCodec{nameJSONCharset, s.cfg.MaxBody}),
		connect.WithCodec(protoCodec{s.cfg.MaxBody}),
		connect.WithReadMaxBytes(readSlack * s.cfg.MaxBody),
		connect.WithCompressMinBytes(compressFrom),
	}
}

// Mount serves the handler of a service, as a generated New…Handler returns both: its path and itself. What is wrong
// with the service's description is an error of Handler.
func (s *Server) Mount(path string, h http.Handler) {
	name := strings.Trim(path, "/")
	desc, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	sd, ok := desc.(protoreflect.ServiceDescriptor)
	if err != nil || !ok {
		s.errs = append(s.errs, fmt.Errorf("%s is no service of the schema", name))
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
	procedure := fmt.Sprintf("/%s/%s", md.Parent().FullName(), md.Name())
	if _, ok := s.methods[procedure]; ok {
		return fmt.Errorf("%s is mounted twice", md.FullName())
	}
	if md.IsStreamingClient() || md.IsStreamingServer() {
		return fmt.Errorf("%s is a stream, and streams are not served", md.FullName())
	}
	a, err := accessOf(md)
	if err != nil {
		return err
	}
	m := method{desc: md, access: a, status: http.StatusOK}
	if n, ok := proto.GetExtension(md.Options(), optionsv1.E_SuccessStatus).(int32); ok && n != 0 {
		m.status = int(n)
	}
	s.methods[procedure] = m
	return nil
}

// Handle serves h at a pattern of http.ServeMux beside the RPCs, with the original ResponseWriter: it can be hijacked.
// The handler looks after authentication itself; RequestID, ClientAddr and WriteProblem work in it.
func (s *Server) Handle(pattern string, h http.Handler) {
	if _, ok := s.plain[pattern]; ok {
		s.errs = append(s.errs, fmt.Errorf("the pattern %q is given twice", pattern))
	}
	s.plain[pattern] = h
}

// Handler returns the handler for all that was mounted, or an error that names every method that cannot be served.
func (s *Server) Handler() (http.Handler, error) {
	if err := errors.Join(s.errs...); err != nil {
		return nil, fmt.Errorf("rpcserver %s: %w", s.cfg.Service, err)
	}
	inputs := make([]protoreflect.MessageDescriptor, 0, len(s.methods))
	for _, m := range s.methods {
		inputs = append(inputs, m.desc.Input())
	}
	var err error
	if s.validator, err = validation.New(inputs...); err != nil {
		return nil, fmt.Errorf("rpcserver %s: %w", s.cfg.Service, err)
	}
	f := &front{server: s, mux: http.NewServeMux(), calls: map[string]bool{}, literal: map[string][]string{}}
	for pattern, h := range s.plain {
		f.mux.Handle(pattern, h)
	}
	if err := s.handleREST(f); err != nil {
		return nil, fmt.Errorf("rpcserver %s: %w", s.cfg.Service, err)
	}
	s.handleRPC(f)
	return f, nil
}

// handleRPC mounts every procedure at its own path, so that an unknown one is found unknown here, and the protocols
// that tell about the services.
func (s *Server) handleRPC(f *front) {
	names := make([]string, 0, len(s.services))
	for _, svc := range s.services {
		names = append(names, string(svc.desc.FullName()))
		for i := range svc.desc.Methods().Len() {
			pattern := fmt.Sprintf("POST /%s/%s", svc.desc.FullName(), svc.desc.Methods().Get(i).Name())
			f.mux.Handle(pattern, s.rpc(svc.handler))
			f.calls[pattern] = true
		}
	}
	reflector := grpcreflect.NewStaticReflector(names...)
	f.mux.Handle(grpcreflect.NewHandlerV1(reflector))
	f.mux.Handle(grpcreflect.NewHandlerV1Alpha(reflector))
	f.mux.Handle(grpchealth.NewHandler(&readiness{s, names}))
	f.mux.HandleFunc("GET /health", s.health)
	f.mux.HandleFunc("GET /health/live", s.live)
}

// handleREST mounts the schema's REST routes on vanguard.
func (s *Server) handleREST(f *front) error {
	var services []*vanguard.Service
	for _, svc := range s.services {
		services = append(services, vanguard.NewServiceWithSchema(svc.desc, svc.handler,
			vanguard.WithTargetProtocols(vanguard.ProtocolConnect),
			vanguard.WithTargetCodecs(vanguard.CodecProto),
			vanguard.WithNoTargetCompression(),
			vanguard.WithMaxMessageBufferBytes(uint32(readSlack*s.cfg.MaxBody)), // of answers too
		))
	}
	codec := vanguard.WithCodec(func(vanguard.TypeResolver) vanguard.Codec {
		return restCodec{jsonCodec{nameJSON, s.cfg.MaxBody}}
	})
	transcoder, err := vanguard.NewTranscoder(services, codec)
	if err != nil {
		return err
	}
	for _, m := range s.methods {
		routes, err := routesOf(m)
		if err != nil {
			return err
		}
		for _, r := range routes {
			f.mux.Handle(r.pattern, s.rest(r, transcoder))
			f.calls[r.pattern] = true
			f.allow(r.pattern)
		}
	}
	return nil
}

func tooLarge(limit int) *apperr.Error {
	return apperr.New(apperr.PayloadTooLarge, "a request may have %d bytes", limit)
}
