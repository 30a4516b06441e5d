package rpcserver

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// adaptViolations returns a copy of a use case's error whose violations name fields as an RPC client wrote them. A use case
// names the fields of a resource without the request around it, "endDate", but the request contains the resource:
// "promotion.endDate". Over REST the resource is the body, so adaptViolations is not needed.
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
