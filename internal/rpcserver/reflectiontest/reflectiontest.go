// Package reflectiontest is a client of gRPC server reflection for tests.
package reflectiontest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/grpc"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Services returns the names of the services that a server lists, sorted. It returns an error if the server does not
// describe one of them.
func Services(ctx context.Context, conn grpc.ClientConnInterface) (names []string, err error) {
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stream.CloseSend()) }()
	answer, err := ask(stream, &reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{},
	})
	if err != nil {
		return nil, err
	}
	for _, s := range answer.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	slices.Sort(names)
	for _, name := range names {
		answer, err := ask(stream, &reflectionv1.ServerReflectionRequest{
			MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name},
		})
		if err != nil {
			return names, err
		}
		files := answer.GetFileDescriptorResponse().GetFileDescriptorProto()
		if !slices.ContainsFunc(files, func(file []byte) bool { return describes(file, name) }) {
			return names, fmt.Errorf("the server does not describe %s: %s", name, answer.GetErrorResponse().GetErrorMessage())
		}
	}
	return names, nil
}

func ask(
	stream reflectionv1.ServerReflection_ServerReflectionInfoClient, r *reflectionv1.ServerReflectionRequest,
) (*reflectionv1.ServerReflectionResponse, error) {
	if err := stream.Send(r); err != nil {
		_, err := stream.Recv() // returns the status
		return nil, err
	}
	return stream.Recv()
}

// describes reports whether an encoded FileDescriptorProto contains a service.
func describes(file []byte, service string) bool {
	var d descriptorpb.FileDescriptorProto
	if proto.Unmarshal(file, &d) != nil {
		return false
	}
	return slices.ContainsFunc(d.GetService(), func(s *descriptorpb.ServiceDescriptorProto) bool {
		return d.GetPackage()+"."+s.GetName() == service
	})
}
