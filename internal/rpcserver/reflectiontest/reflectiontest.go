// Package reflectiontest is a client of gRPC server reflection for tests.
package reflectiontest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Services returns the names of the services that a server lists, sorted. It returns an error if the server has no
// descriptor of a listed service.
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
		files, err := find(stream, &reflectionv1.ServerReflectionRequest{
			MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name},
		})
		if err != nil {
			return names, err
		}
		if !slices.ContainsFunc(files, func(file []byte) bool { return describes(file, name) }) {
			return names, fmt.Errorf("the server does not describe %s", name)
		}
	}
	return names, nil
}

// Describes reports whether a server describes a symbol, or a file if the name ends with ".proto".
func Describes(ctx context.Context, conn grpc.ClientConnInterface, name string) (described bool, err error) {
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, stream.CloseSend()) }()
	r := &reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name},
	}
	if strings.HasSuffix(name, ".proto") {
		r.MessageRequest = &reflectionv1.ServerReflectionRequest_FileByFilename{FileByFilename: name}
	}
	files, err := find(stream, r)
	return len(files) > 0, err
}

// find returns the encoded files of the response. It returns none if the server does not know the file or symbol.
func find(
	stream reflectionv1.ServerReflection_ServerReflectionInfoClient, r *reflectionv1.ServerReflectionRequest,
) ([][]byte, error) {
	answer, err := ask(stream, r)
	if err != nil {
		return nil, err
	}
	if e := answer.GetErrorResponse(); e != nil && codes.Code(e.GetErrorCode()) != codes.NotFound {
		return nil, status.Error(codes.Code(e.GetErrorCode()), e.GetErrorMessage())
	}
	return answer.GetFileDescriptorResponse().GetFileDescriptorProto(), nil
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
