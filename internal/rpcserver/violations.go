package rpcserver

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// adaptViolations converts the field names in a use case's error to the names in the RPC request. A use case names the
// fields of a resource relative to the resource, such as "endDate". The RPC request contains the resource in a field, so the
// name there is "promotion.endDate". Over REST the body is the resource, so adaptViolations is not needed. adaptViolations
// does not change e; it returns a copy if a conversion may be necessary.
func adaptViolations(e *apperr.Error, resource protoreflect.FieldDescriptor) *apperr.Error {
	if resource == nil || len(e.Violations) == 0 {
		return e
	}
	violations := make([]apperr.Violation, len(e.Violations))
	for i, v := range e.Violations {
		name, _, _ := strings.Cut(v.Field, ".")
		name, _, _ = strings.Cut(name, "[")
		ofRequest := resource.ContainingMessage().Fields().ByJSONName(name) != nil
		if !ofRequest && resource.Message().Fields().ByJSONName(name) != nil {
			v.Field = resource.JSONName() + "." + v.Field
		}
		violations[i] = v
	}
	adapted := *e
	adapted.Violations = violations
	if e.Detail == apperr.InvalidAll(e.Violations).Detail {
		adapted.Detail = apperr.InvalidAll(violations).Detail
	}
	return &adapted
}
