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

	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1" // registers the files
	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
)

// TestRoutesMatchTheSchema checks that routes lists every REST route of the schema, and that rolesOf lists every procedure
// that requires a role.
func TestRoutesMatchTheSchema(t *testing.T) {
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
	var routesListed []string
	name := regexp.MustCompile(`/[A-Z_]+$`) // of an enum, in place of a parameter
	for _, r := range routes() {
		routesListed = append(routesListed, r.method+" "+name.ReplaceAllString(r.path, "/"+someID))
	}
	sameEntries(t, "routes() in test/e2e/routes_test.go", routesListed, routesWanted)
	sameEntries(t, "rolesOf() in test/e2e/procedures_test.go", slices.Collect(maps.Keys(rolesOf())), proceduresWanted)
}

// publicMethods returns the methods of the schema that are not internal.
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

// httpRules returns the REST routes of a method, such as "GET /api/v1/users/{user_id}".
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

// sameEntries fails the test unless got and want have the same entries, in any order. list is the source of got.
func sameEntries(t *testing.T, list string, got, want []string) {
	t.Helper()
	for _, entry := range want {
		if !slices.Contains(got, entry) {
			t.Errorf("%s lacks %q, which the schema has: add it", list, entry)
		}
	}
	for _, entry := range got {
		if !slices.Contains(want, entry) {
			t.Errorf("%s has %q, which the schema lacks: remove it", list, entry)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s has %d entries, want %d", list, len(got), len(want))
	}
}
