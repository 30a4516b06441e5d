package openapi_test

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1" // registers its files
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/schema"
	"github.com/casino-loyalty/loyalty/internal/schema/restroute"
	"github.com/casino-loyalty/loyalty/openapi"
)

func load(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := fs.ReadFile(openapi.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// services returns the names of the services that have an OpenAPI document.
func services(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(openapi.FS, "*.openapi.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for i := range names {
		names[i] = strings.TrimSuffix(names[i], ".openapi.yaml")
	}
	return names
}

// at returns the member of v at a path of names, or nil if there is no such member.
func at(v any, path ...string) any {
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func object(v any, path ...string) map[string]any {
	m, _ := at(v, path...).(map[string]any)
	return m
}

// operations returns the operations of a document, by "GET /path".
func operations(document map[string]any) map[string]map[string]any {
	all := map[string]map[string]any{}
	for path, item := range object(document, "paths") {
		for verb := range object(item) {
			all[strings.ToUpper(verb)+" "+path] = object(item, verb)
		}
	}
	return all
}

// walk calls visit for each object in v.
func walk(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, member := range v {
			walk(member, visit)
		}
	case []any:
		for _, element := range v {
			walk(element, visit)
		}
	}
}

func TestRoutesMatchTheSchema(t *testing.T) {
	t.Parallel()
	routes := map[string][]string{}
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				of, err := restroute.Of(methods.Get(j))
				if err != nil {
					t.Error(err)
				}
				for _, r := range of {
					service := schema.Service(file)
					routes[service] = append(routes[service], r.String())
				}
			}
		}
		return true
	})
	if got, want := services(t), slices.Sorted(maps.Keys(routes)); !slices.Equal(got, want) {
		t.Errorf("documents exist for %v; services with routes are %v", got, want)
	}
	for service, want := range routes {
		got := operations(load(t, service+".openapi.yaml"))
		for _, route := range want {
			if got[route] == nil {
				t.Errorf("%s: %s is missing; run make gen", service, route)
			}
			delete(got, route)
		}
		for route := range got {
			t.Errorf("%s: %s is not in the schema; run make gen", service, route)
		}
	}
}

func TestReferencesResolve(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(openapi.FS, "*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		document := load(t, name)
		used := map[string]bool{}
		walk(document, func(o map[string]any) {
			ref, ok := o["$ref"].(string)
			if !ok {
				return
			}
			used[ref] = true
			path, local := strings.CutPrefix(ref, "#/")
			if !local || at(document, strings.Split(path, "/")...) == nil {
				t.Errorf("%s: %s does not exist", name, ref)
			}
		})
		for _, kind := range []string{"schemas", "responses"} {
			for component := range object(document, "components", kind) {
				if ref := "#/components/" + kind + "/" + component; !used[ref] {
					t.Errorf("%s: %s is not used", name, ref)
				}
			}
		}
	}
}

// TestComponentNamesDoNotCollide checks that component names are unique, and that none ends like the types
// OperationResponse, OperationParams and OperationRequestBody, which client generators define.
func TestComponentNamesDoNotCollide(t *testing.T) {
	t.Parallel()
	for _, service := range services(t) {
		document := load(t, service+".openapi.yaml")
		seen := map[string]string{}
		for _, kind := range []string{"schemas", "responses", "parameters", "requestBodies"} {
			for name := range object(document, "components", kind) {
				if other, taken := seen[strings.ToLower(name)]; taken {
					t.Errorf("%s: %s is both in %s and in %s", service, name, kind, other)
				}
				seen[strings.ToLower(name)] = kind
				for _, ending := range []string{"Response", "Params", "RequestBody"} {
					if strings.HasSuffix(name, ending) {
						t.Errorf("%s: the component %s ends in %s", service, name, ending)
					}
				}
			}
		}
		ids := map[any]string{}
		for route, operation := range operations(document) {
			id := operation["operationId"]
			if other, taken := ids[id]; taken || id == nil {
				t.Errorf("%s: %s and %s have operationId %v", service, route, other, id)
			}
			ids[id] = route
		}
	}
}

// TestErrorsAreTyped checks that each enum and const has a type. Client generators drop a response without these types.
func TestErrorsAreTyped(t *testing.T) {
	t.Parallel()
	for _, service := range services(t) {
		document := load(t, service+".openapi.yaml")
		walk(document, func(o map[string]any) {
			_, isEnum := o["enum"].([]any)
			_, isConst := o["const"]
			if _, typed := o["type"].(string); (isEnum || isConst) && !typed {
				t.Errorf("%s: %v has no type", service, o)
			}
		})
		for route, operation := range operations(document) {
			for status, response := range object(operation, "responses") {
				if strings.HasPrefix(status, "2") {
					continue
				}
				checkProblem(t, document, service+": "+route+": "+status, response)
			}
		}
	}
}

// checkProblem fails unless the response is a problem document with a typed status and code.
func checkProblem(t *testing.T, document map[string]any, place string, response any) {
	t.Helper()
	resolve := func(v any) any {
		if ref, ok := at(v, "$ref").(string); ok {
			return at(document, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
		return v
	}
	properties := at(resolve(at(resolve(response), "content", "application/problem+json", "schema")), "properties")
	if kind := at(properties, "status", "type"); kind != "integer" {
		t.Errorf("%s: the status is of type %v, want integer", place, kind)
	}
	code := resolve(at(properties, "code"))
	if values, _ := at(code, "enum").([]any); at(code, "type") != "string" || len(values) == 0 {
		t.Errorf("%s: the code is %v, want an enum of strings", place, code)
	}
}

// TestExamples checks that each body and each answer has an example. The linters of scripts/openapi-clients.sh compare the
// examples with the schemas.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, service := range services(t) {
		bodies := 0
		walk(load(t, service+".openapi.yaml"), func(o map[string]any) {
			for kind, media := range object(o, "content") {
				if !strings.Contains(kind, "/") {
					continue // a property with the name content
				}
				if bodies++; len(object(media, "examples")) == 0 {
					t.Errorf("%s: %s with schema %v has no example", service, kind, at(media, "schema"))
				}
			}
		})
		if bodies == 0 {
			t.Errorf("%s has no bodies", service)
		}
	}
	walk(load(t, "asyncapi.yaml"), func(o map[string]any) {
		if o["payload"] != nil && o["name"] != nil && o["traits"] != nil && len(list(o["examples"])) == 0 {
			t.Errorf("asyncapi.yaml: %v has no example", o["name"])
		}
	})
}

func TestSecuritySchemesAreUsed(t *testing.T) {
	t.Parallel()
	for _, service := range services(t) {
		document := load(t, service+".openapi.yaml")
		used := map[string]bool{}
		walk(document, func(o map[string]any) {
			requirements, _ := o["security"].([]any)
			for _, requirement := range requirements {
				for name := range object(requirement) {
					used[name] = true
				}
			}
		})
		defined := slices.Sorted(maps.Keys(object(document, "components", "securitySchemes")))
		if got := slices.Sorted(maps.Keys(used)); !slices.Equal(got, defined) {
			t.Errorf("%s: schemes %v are defined, %v are used", service, defined, got)
		}
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(openapi.FS, "*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		info := load(t, name)["info"]
		if at(info, "license", "name") != "Apache-2.0" || at(info, "contact", "url") == nil {
			t.Errorf("%s: license %v, contact %v, want Apache-2.0 and a contact URL", name, at(info, "license"), at(info, "contact"))
		}
	}
}

// TestContract checks details of the documents that clients depend on.
func TestContract(t *testing.T) {
	t.Parallel()
	users, promotions := load(t, "users.openapi.yaml"), load(t, "promotions.openapi.yaml")
	schemas := func(document map[string]any, path ...string) any {
		return at(document, append([]string{"components", "schemas"}, path...)...)
	}
	for name, tt := range map[string]struct {
		got, want any
	}{
		"register returns 201": {
			at(users, "paths", "/api/v1/auth/register", "post", "responses", "201", "description"), "Created",
		},
		"logout has no body": {at(users, "paths", "/api/v1/auth/logout", "post", "responses", "204", "content"), nil},
		"register with a taken e-mail returns 409": {
			at(users, "paths", "/api/v1/auth/register", "post", "responses", "409", "$ref"), "#/components/responses/Conflict",
		},
		"amounts have two decimal places": {schemas(promotions, "Promotion", "properties", "amount", "pattern"), `^[0-9]+\.[0-9]{2}$`},
		"startDate is a date":             {schemas(promotions, "PromotionInput", "properties", "startDate", "format"), "date"},
		"an update cannot set type":       {schemas(promotions, "PromotionPatch", "properties", "type"), nil},
		"create cannot set id":            {schemas(promotions, "PromotionInput", "properties", "id"), nil},
		"required members of create": {
			fmt.Sprint(schemas(promotions, "PromotionInput", "required")), "[title type amount startDate endDate]",
		},
		"isActive has no default keyword":    {schemas(promotions, "PromotionInput", "properties", "isActive", "default"), nil},
		"required members of an update":      {schemas(promotions, "PromotionPatch", "required"), nil},
		"isActive is required in responses":  {slices.Contains(list(schemas(promotions, "Promotion", "required")), "isActive"), true},
		"transactionId is declared":          {schemas(promotions, "ConflictProblem", "properties", "transactionId", "format"), "uuid"},
		"transactionId is optional":          {slices.Contains(list(schemas(promotions, "ConflictProblem", "required")), "transactionId"), false},
		"refreshToken is optional":           {slices.Contains(list(schemas(users, "LoginResult", "required")), "refreshToken"), false},
		"promotions has one security scheme": {len(object(promotions, "components", "securitySchemes")), 1},
		"error codes of status 404":          {fmt.Sprint(schemas(promotions, "NotFoundProblem", "properties", "code", "enum")), "[NOT_FOUND]"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", name, tt.got, tt.want)
		}
	}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}
