// Package schema reads the options of the protobuf schema into a model, from which the generators in
// cmd/protoc-gen-loyalty-* write code. Only the generators and tests use it, not the services.
package schema

import (
	"net/http"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/pluginpb"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/schema/restroute"
)

// Module is the Go module for which code is generated.
const Module = "github.com/casino-loyalty/loyalty"

// Run runs the process as a protoc plugin: it reads the request from standard input and writes the files of generate to
// standard output.
func Run(generate func(*protogen.Plugin) error) {
	protogen.Options{}.Run(func(plugin *protogen.Plugin) error {
		plugin.SupportedFeatures = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL)
		return generate(plugin)
	})
}

// extension returns an option of a descriptor, or T's zero value if the option is not set.
func extension[T any](d protoreflect.Descriptor, option protoreflect.ExtensionType) T {
	var none T
	if !proto.HasExtension(d.Options(), option) {
		return none
	}
	v, ok := proto.GetExtension(d.Options(), option).(T)
	if !ok {
		return none
	}
	return v
}

// ColumnOf returns the column option of a field, or nil if the field has none.
func ColumnOf(f *protogen.Field) *optionsv1.Column {
	return extension[*optionsv1.Column](f.Desc, optionsv1.E_Column)
}

// ExampleOf returns the example of a field in the schema, or an empty string if it has none.
func ExampleOf(f *protogen.Field) string { return extension[string](f.Desc, optionsv1.E_Example) }

// IsStaffOnly reports whether only employees see a field.
func IsStaffOnly(f *protogen.Field) bool { return extension[bool](f.Desc, optionsv1.E_StaffOnly) }

// IsCSV reports whether clients can get a list in CSV.
func IsCSV(f *protogen.Field) bool { return extension[bool](f.Desc, optionsv1.E_Csv) }

// keyDescription describes the header Idempotency-Key of methods whose answers are stored.
const keyDescription = "Identifies the request, so that it can be repeated: 1 to 200 printable ASCII characters, unique " +
	"for each request of the caller. The same key with the same request returns the first successful answer and changes " +
	"nothing, for at least 48 hours; with another request it fails with IDEMPOTENCY_MISMATCH."

// Method holds the options of a method.
type Method struct {
	// HTTP is the method's REST route, or nil if it has none.
	HTTP *annotations.HttpRule
	// Access defines who may call the method.
	Access *optionsv1.Access
	// Status is the HTTP status of success.
	Status int
	// MayExist is whether the method answers 200 instead of Status if what it creates exists already.
	MayExist bool
	// Headers are the request headers that only this method reads, in addition to the headers that all methods read.
	Headers []*optionsv1.Header
}

// MethodOf reads the options of a method. The headers include Idempotency-Key if the server stores the answers of the
// method.
func MethodOf(m *protogen.Method) Method {
	status := extension[int32](m.Desc, optionsv1.E_SuccessStatus)
	if status == 0 {
		status = http.StatusOK
	}
	headers := extension[[]*optionsv1.Header](m.Desc, optionsv1.E_Header)
	if kind, err := restroute.IdempotencyOf(m.Desc); err == nil && kind == restroute.StoredAnswer {
		headers = append(headers, &optionsv1.Header{Name: restroute.HeaderIdempotencyKey, Description: keyDescription})
	}
	return Method{
		HTTP:     extension[*annotations.HttpRule](m.Desc, annotations.E_Http),
		Access:   extension[*optionsv1.Access](m.Desc, optionsv1.E_Access),
		Status:   int(status),
		MayExist: extension[bool](m.Desc, optionsv1.E_MayExist),
		Headers:  headers,
	}
}
