package rpcserver

import (
	"net/http"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/casino-loyalty/loyalty/internal/limits"
)

// PathHandler is a handler and the path prefix that it serves.
type PathHandler struct {
	http.Handler

	Path string
}

// Reflection returns the handlers of gRPC server reflection for the given services and the gRPC health service. There is one
// handler for each version of the protocol. The handlers need HTTP/2. They describe only the files that define the services,
// and the imports of these files.
func Reflection(services ...string) []PathHandler {
	services = append([]string{grpchealth.HealthV1ServiceName}, services...)
	names := grpcreflect.NamerFunc(func() []string { return services })
	reflector := grpcreflect.NewReflector(names, grpcreflect.WithDescriptorResolver(filesOf(services)))
	most := connect.WithReadMaxBytes(limits.ControlMessage)
	var handlers []PathHandler
	for _, newHandler := range []func(*grpcreflect.Reflector) (string, http.Handler){
		func(r *grpcreflect.Reflector) (string, http.Handler) { return grpcreflect.NewHandlerV1(r, most) },
		func(r *grpcreflect.Reflector) (string, http.Handler) { return grpcreflect.NewHandlerV1Alpha(r, most) },
	} {
		path, handler := newHandler(reflector)
		handlers = append(handlers, PathHandler{handler, path})
	}
	return handlers
}

// fileSet contains the paths of the files that reflection may describe. It implements protodesc.Resolver.
type fileSet map[string]bool

// filesOf returns the files that define the services, and their direct and indirect imports.
func filesOf(services []string) fileSet {
	set := fileSet{}
	for _, name := range services {
		if d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name)); err == nil {
			set.add(d.ParentFile())
		}
	}
	return set
}

func (s fileSet) add(file protoreflect.FileDescriptor) {
	if s[file.Path()] {
		return
	}
	s[file.Path()] = true
	for i := range file.Imports().Len() {
		s.add(file.Imports().Get(i).FileDescriptor)
	}
}

// FindFileByPath implements protodesc.Resolver.
func (s fileSet) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if !s[path] {
		return nil, protoregistry.NotFound
	}
	return protoregistry.GlobalFiles.FindFileByPath(path)
}

// FindDescriptorByName implements protodesc.Resolver.
func (s fileSet) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil || !s[d.ParentFile().Path()] {
		return nil, protoregistry.NotFound
	}
	return d, nil
}
