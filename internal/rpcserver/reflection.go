package rpcserver

import (
	"net/http"

	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
)

// PathHandler is a handler and the path prefix that it serves.
type PathHandler struct {
	http.Handler

	Path string
}

// Reflection returns the handlers of gRPC server reflection for the given services and the gRPC health service. There is one
// handler for each version of the protocol. The handlers need HTTP/2.
func Reflection(services ...string) []PathHandler {
	reflector := grpcreflect.NewStaticReflector(append([]string{grpchealth.HealthV1ServiceName}, services...)...)
	var handlers []PathHandler
	for _, newHandler := range []func(*grpcreflect.Reflector) (string, http.Handler){
		func(r *grpcreflect.Reflector) (string, http.Handler) { return grpcreflect.NewHandlerV1(r) },
		func(r *grpcreflect.Reflector) (string, http.Handler) { return grpcreflect.NewHandlerV1Alpha(r) },
	} {
		path, handler := newHandler(reflector)
		handlers = append(handlers, PathHandler{handler, path})
	}
	return handlers
}
