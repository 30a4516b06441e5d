package schema

import (
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

// ErrorCode is a value of an enum whose values say how errors travel.
type ErrorCode struct {
	// Name is the value's name, "NOT_FOUND".
	Name string
	// RPC is the number of its code in google.rpc.Code.
	RPC int32
	// HTTP is its status over REST.
	HTTP int32
	// Title is a short sentence for people.
	Title string
}

// ErrorCodes reads the error codes of the files, in the schema's order. An enum is a catalogue of errors when one of
// its values has the app_error option; then every value but the zero one needs it.
func ErrorCodes(files []*protogen.File) ([]ErrorCode, error) {
	var codes []ErrorCode
	for _, f := range files {
		for _, e := range f.Enums {
			if !isCatalogue(e) {
				continue
			}
			for _, v := range e.Values[1:] {
				c, err := errorCode(v)
				if err != nil {
					return nil, err
				}
				codes = append(codes, c)
			}
		}
	}
	return codes, nil
}

func isCatalogue(e *protogen.Enum) bool {
	for _, v := range e.Values {
		if proto.HasExtension(v.Desc.Options(), optionsv1.E_AppError) {
			return true
		}
	}
	return false
}

func errorCode(v *protogen.EnumValue) (ErrorCode, error) {
	option := extension[*optionsv1.AppError](v.Desc, optionsv1.E_AppError)
	number, known := code.Code_value[option.GetRpcCode()]
	switch {
	case !known || number == 0:
		return ErrorCode{}, fmt.Errorf("%s: app_error.rpc_code %q is no error of google.rpc.Code",
			v.Desc.FullName(), option.GetRpcCode())
	case option.GetHttpStatus() < 400 || option.GetHttpStatus() > 599:
		return ErrorCode{}, fmt.Errorf("%s: app_error.http_status %d is no error", v.Desc.FullName(), option.GetHttpStatus())
	case option.GetTitle() == "":
		return ErrorCode{}, fmt.Errorf("%s: app_error.title is missing", v.Desc.FullName())
	}
	return ErrorCode{
		Name: string(v.Desc.Name()), RPC: number, HTTP: option.GetHttpStatus(), Title: option.GetTitle(),
	}, nil
}
