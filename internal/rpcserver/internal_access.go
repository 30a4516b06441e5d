package rpcserver

import (
	"fmt"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

// CheckInternal returns an error that names a registered method whose access option is not internal. The internal listener
// does not check roles, so it must not serve such a method. Call CheckInternal after all services are registered and before
// serving.
func CheckInternal(server *grpc.Server) error {
	for name := range server.GetServiceInfo() {
		switch name {
		case healthv1.Health_ServiceDesc.ServiceName,
			reflectionv1.ServerReflection_ServiceDesc.ServiceName, reflectionv1alpha.ServerReflection_ServiceDesc.ServiceName:
			continue
		}
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			return fmt.Errorf("rpcserver: service %s: %w", name, err)
		}
		service, ok := found.(protoreflect.ServiceDescriptor)
		if !ok {
			return fmt.Errorf("rpcserver: %s is not a service", name)
		}
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			option, _ := proto.GetExtension(method.Options(), optionsv1.E_Access).(*optionsv1.Access)
			if !option.GetInternal() {
				return fmt.Errorf("rpcserver: the access option of %s is not internal", method.FullName())
			}
		}
	}
	return nil
}
