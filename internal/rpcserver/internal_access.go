package rpcserver

import (
	"fmt"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

// CheckInternal returns an error that names the first method registered with server which the schema does not call
// internal: on the internal listener nobody asks for a role. Call it once everything is registered, before serving.
func CheckInternal(server *grpc.Server) error {
	for name := range server.GetServiceInfo() {
		if name == healthv1.Health_ServiceDesc.ServiceName {
			continue
		}
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			return fmt.Errorf("rpcserver: service %s: %w", name, err)
		}
		service, ok := found.(protoreflect.ServiceDescriptor)
		if !ok {
			return fmt.Errorf("rpcserver: %s is no service", name)
		}
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			option, _ := proto.GetExtension(method.Options(), optionsv1.E_Access).(*optionsv1.Access)
			if !option.GetInternal() {
				return fmt.Errorf("rpcserver: %s is not internal by its access option", method.FullName())
			}
		}
	}
	return nil
}
