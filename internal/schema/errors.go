package schema

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

// ErrorCode is a value of an enum of error codes.
type ErrorCode struct {
	// Name is the value's name, "NOT_FOUND".
	Name string
	// RPC is the number of its google.rpc.Code.
	RPC int32
	// HTTP is its HTTP status over REST.
	HTTP int32
	// Title is a short description for humans.
	Title string
	// Meaning says what the code means for a caller.
	Meaning string
	// Members are the additional members of its problem document; see problemMembers for the common ones.
	Members []*optionsv1.ErrorMember
}

// ErrorCodes reads the error codes of the files, in the schema's order. An enum defines error codes if one of its values has
// the app_error option. Then every value except the zero value needs the option. ErrorCodes returns an error that names the
// first invalid value.
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
		return ErrorCode{}, fmt.Errorf("%s: app_error.rpc_code %q is not an error of google.rpc.Code",
			v.Desc.FullName(), option.GetRpcCode())
	case option.GetHttpStatus() < 400 || option.GetHttpStatus() > 599:
		return ErrorCode{}, fmt.Errorf("%s: app_error.http_status %d is not an error status",
			v.Desc.FullName(), option.GetHttpStatus())
	case option.GetTitle() == "":
		return ErrorCode{}, fmt.Errorf("%s: app_error.title is missing", v.Desc.FullName())
	}
	for _, m := range option.GetMember() {
		if m.GetName() == "" || slices.Contains(problemMembers(), m.GetName()) {
			return ErrorCode{}, fmt.Errorf("%s: app_error.member.name %q is empty or a common member of every problem",
				v.Desc.FullName(), m.GetName())
		}
	}
	return ErrorCode{
		Name: string(v.Desc.Name()), RPC: number, HTTP: option.GetHttpStatus(), Title: option.GetTitle(),
		Meaning: strings.Join(strings.Fields(string(v.Comments.Leading)), " "), Members: option.GetMember(),
	}, nil
}

// Retryable reports whether the same request may succeed later.
func (c ErrorCode) Retryable() bool {
	return c.HTTP == http.StatusRequestTimeout || c.HTTP == http.StatusTooManyRequests ||
		c.HTTP == http.StatusServiceUnavailable
}

// problemMembers returns the members that every problem document may have.
func problemMembers() []string {
	return []string{"type", "title", "status", "detail", "code", "instance", "requestId", "violations"}
}
