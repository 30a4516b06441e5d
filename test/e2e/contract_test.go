package e2e_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1" // known to the registry
	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
)

// TestTheContractIsWhole sees that what these tests say of the API, by themselves, leaves none of the schema's methods out.
func TestTheContractIsWhole(t *testing.T) {
	t.Parallel()
	parameter := regexp.MustCompile(`\{[a-z_]+\}`)
	var routesWanted, proceduresWanted []string
	for method, access := range publicMethods() {
		for _, r := range httpRules(method) {
			routesWanted = append(routesWanted, parameter.ReplaceAllString(r, someID))
		}
		if len(access.GetRoles()) > 0 {
			service, name := method.Parent().FullName(), method.Name()
			proceduresWanted = append(proceduresWanted, strings.TrimPrefix(string(service), "loyalty.")+"/"+string(name))
		}
	}
	var stated []string
	for _, r := range routes() {
		stated = append(stated, r.method+" "+r.path)
	}
	same(t, "routes()", stated, routesWanted)
	same(t, "rolesOf()", slices.Collect(maps.Keys(rolesOf())), proceduresWanted)
}

// publicMethods are the schema's methods that are served outside.
func publicMethods() map[protoreflect.MethodDescriptor]*optionsv1.Access {
	methods := map[protoreflect.MethodDescriptor]*optionsv1.Access{}
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "loyalty.") {
			return true
		}
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				access := proto.GetExtension(method.Options(), optionsv1.E_Access).(*optionsv1.Access)
				if !access.GetInternal() {
					methods[method] = access
				}
			}
		}
		return true
	})
	return methods
}

// httpRules are the routes of a method, "GET /api/v1/users/{user_id}".
func httpRules(method protoreflect.MethodDescriptor) []string {
	rule := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	var out []string
	for _, r := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		for verb, path := range map[string]string{
			"GET": r.GetGet(), "POST": r.GetPost(), "PUT": r.GetPut(), "PATCH": r.GetPatch(), "DELETE": r.GetDelete(),
		} {
			if path != "" {
				out = append(out, verb+" "+path)
			}
		}
	}
	return out
}

// same compares lists without regard to their order.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%s states\n%s\nthe schema has\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
