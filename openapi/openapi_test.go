package openapi_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
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

// at follows the path of names, nil where there is nothing.
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

// Each REST route of the schema is in its service's document, and nothing else is.
func TestRoutes(t *testing.T) {
	t.Parallel()
	for name, files := range map[string][]protoreflect.FileDescriptor{
		"users":         {usersv1.File_loyalty_users_v1_auth_service_proto, usersv1.File_loyalty_users_v1_user_service_proto},
		"promotions":    {promotionsv1.File_loyalty_promotions_v1_promotion_service_proto},
		"notifications": {notificationsv1.File_loyalty_notifications_v1_notification_service_proto},
	} {
		var want, got []string
		for _, f := range files {
			for i := range f.Services().Len() {
				methods := f.Services().Get(i).Methods()
				for j := range methods.Len() {
					want = append(want, route(methods.Get(j)))
				}
			}
		}
		paths, _ := load(t, name+".openapi.yaml")["paths"].(map[string]any)
		for path, operations := range paths {
			for verb := range operations.(map[string]any) {
				got = append(got, strings.ToUpper(verb)+" "+path)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s documents\n%v, the schema has\n%v", name, got, want)
		}
	}
}

func route(m protoreflect.MethodDescriptor) string {
	rule, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet + " " + p.Get
	case *annotations.HttpRule_Post:
		return http.MethodPost + " " + p.Post
	case *annotations.HttpRule_Patch:
		return http.MethodPatch + " " + p.Patch
	}
	return "no route for " + string(m.FullName())
}

func TestReferencesLeadSomewhere(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(openapi.FS, "*.yaml")
	if err != nil || len(names) != 4 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		document := load(t, name)
		var walk func(any)
		walk = func(v any) {
			switch v := v.(type) {
			case map[string]any:
				if ref, ok := v["$ref"].(string); ok {
					path, local := strings.CutPrefix(ref, "#/")
					if !local || at(document, strings.Split(path, "/")...) == nil {
						t.Errorf("%s: %s leads nowhere", name, ref)
					}
				}
				for _, member := range v {
					walk(member)
				}
			case []any:
				for _, element := range v {
					walk(element)
				}
			}
		}
		walk(document)
	}
}

// Some of what the contract promises, as clients will read it.
func TestPromises(t *testing.T) {
	t.Parallel()
	users, promotions := load(t, "users.openapi.yaml"), load(t, "promotions.openapi.yaml")
	for name, tt := range map[string]struct {
		got, want any
	}{
		"registering answers 201": {
			at(users, "paths", "/api/v1/auth/register", "post", "responses", "201", "description"), "Created",
		},
		"logging out has no answer": {
			at(users, "paths", "/api/v1/auth/logout", "post", "responses", "204", "content"), nil,
		},
		"a taken e-mail is a conflict": {
			at(users, "paths", "/api/v1/auth/register", "post", "responses", "409", "$ref"), "#/components/responses/Conflict",
		},
		"an answered amount has two places": {
			at(promotions, "components", "schemas", "Promotion", "properties", "amount", "pattern"), `^[0-9]+\.[0-9]{2}$`,
		},
		"a day is a date": {
			at(promotions, "components", "schemas", "PromotionInput", "properties", "startDate", "format"), "date",
		},
		"the type cannot be changed": {
			at(promotions, "components", "schemas", "PromotionPatch", "properties", "type"), nil,
		},
		"the id cannot be given": {
			at(promotions, "components", "schemas", "PromotionInput", "properties", "id"), nil,
		},
		"errors are problems": {
			at(promotions, "components", "responses", "Error", "content", "application/problem+json", "schema", "$ref"),
			"#/components/schemas/Problem",
		},
		"an error's codes are those of its status": {
			fmt.Sprint(at(promotions, "components", "responses", "NotFound", "content", "application/problem+json", "schema", "allOf")),
			"[map[$ref:#/components/schemas/Problem] map[properties:map[code:map[enum:[NOT_FOUND] examples:[NOT_FOUND]] status:map[const:404]]]]",
		},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", name, tt.got, tt.want)
		}
	}
}
