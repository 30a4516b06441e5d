package restroute_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/schema/restroute"
	"github.com/casino-loyalty/loyalty/internal/schema/schematest"
)

// methods compiles a service whose RPCs, named Call0, Call1 and so on, have the given http options.
func methods(t *testing.T, options ...string) protoreflect.MethodDescriptors {
	t.Helper()
	var b strings.Builder
	b.WriteString(`syntax = "proto3"; package test.v1; option go_package = "test/v1"; import "google/api/annotations.proto";
		message Request { string id = 1; string name = 2; repeated string list = 3; Request nested = 4; }
		message Response {}
		service Calls {`)
	for i, option := range options {
		fmt.Fprintf(&b, "rpc Call%d(Request) returns (Response) {", i)
		if option != "" {
			fmt.Fprintf(&b, "option (google.api.http) = {%s};", option)
		}
		b.WriteString("}\n")
	}
	b.WriteString("}")
	plugin := schematest.Plugin(t, map[string]string{"test/v1/test.proto": b.String()})
	for _, f := range plugin.Files {
		if f.Desc.Path() == "test/v1/test.proto" {
			return f.Desc.Services().Get(0).Methods()
		}
	}
	t.Fatal("the compiled file is missing")
	return nil
}

func TestOf(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ option, want string }{
		"no route":            {``, ""},
		"one route":           {`get: "/api/v1/x/{id}"`, "GET /api/v1/x/{id}"},
		"two routes":          {`patch: "/api/v1/x/{id}" body: "nested" additional_bindings { put: "/api/v1/y" }`, "PATCH /api/v1/x/{id}, PUT /api/v1/y"},
		"two variables":       {`delete: "/api/v1/{id}/{name}"`, "DELETE /api/v1/{id}/{name}"},
		"another prefix":      {`get: "/v1/x"`, "error: the path does not begin with /api/"},
		"wildcard":            {`get: "/api/v1/*"`, `error: the segment "*" is neither`},
		"custom verb":         {`get: "/api/v1/x:run"`, `error: the segment "x:run" is neither`},
		"partial variable":    {`get: "/api/v1/x{id}"`, `error: the segment "x{id}" is neither`},
		"variable pattern":    {`get: "/api/v1/{id=*}"`, `error: the variable "{id=*}" is not supported`},
		"trailing slash":      {`get: "/api/v1/x/"`, `error: the segment "" is neither`},
		"dot segment":         {`get: "/api/v1/../x"`, `error: the segment ".." is neither`},
		"variable used twice": {`get: "/api/v1/{id}/{id}"`, "error: the variable {id} is used twice"},
		"unknown variable":    {`get: "/api/v1/{other}"`, "error: the variable {other} is not a scalar field"},
		"list variable":       {`get: "/api/v1/{list}"`, "error: the variable {list} is not a scalar field"},
		"message variable":    {`get: "/api/v1/{nested}"`, "error: the variable {nested} is not a scalar field"},
		"custom method":       {`custom { kind: "COPY" path: "/api/v1/x" }`, "error: the HTTP method is not GET"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			routes, err := restroute.Of(methods(t, tt.option).Get(0))
			if want, isError := strings.CutPrefix(tt.want, "error: "); isError {
				if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "test.v1.Calls.Call0") {
					t.Errorf("Of returned %v, want an error with %q that names the RPC", err, want)
				}
				return
			}
			texts := make([]string, 0, len(routes))
			for _, r := range routes {
				texts = append(texts, r.String())
			}
			if got := strings.Join(texts, ", "); err != nil || got != tt.want {
				t.Errorf("Of returned %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options  []string
		conflict bool
	}{
		"different paths":               {[]string{`get: "/api/v1/x"`, `get: "/api/v1/y"`}, false},
		"different verbs":               {[]string{`get: "/api/v1/x"`, `post: "/api/v1/x"`}, false},
		"literal and variable":          {[]string{`get: "/api/v1/x/all"`, `get: "/api/v1/x/{id}"`}, false},
		"literals in other positions":   {[]string{`get: "/api/v1/x/{id}/stats"`, `get: "/api/v1/x/players/{name}"`}, false},
		"different lengths":             {[]string{`get: "/api/v1/x/{id}"`, `get: "/api/v1/x/{id}/{name}"`}, false},
		"same path":                     {[]string{`get: "/api/v1/x"`, `get: "/api/v1/x"`}, true},
		"variables with other names":    {[]string{`get: "/api/v1/x/{id}"`, `get: "/api/v1/x/{name}"`}, true},
		"conflict of a second binding":  {[]string{`get: "/api/v1/x"`, `get: "/api/v1/y" additional_bindings { get: "/api/v1/x" }`}, true},
		"other names in two variables":  {[]string{`put: "/api/v1/{id}/x/{name}"`, `put: "/api/v1/{name}/x/{id}"`}, true},
		"names swapped, other literals": {[]string{`put: "/api/v1/{id}/x/{name}"`, `put: "/api/v1/{name}/y/{id}"`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var routes []restroute.Route
			all := methods(t, tt.options...)
			for i := range all.Len() {
				found, err := restroute.Of(all.Get(i))
				if err != nil {
					t.Fatal(err)
				}
				routes = append(routes, found...)
			}
			err := restroute.Check(routes)
			if (err != nil) != tt.conflict {
				t.Fatalf("Check returned %v, want a conflict: %v", err, tt.conflict)
			}
			for _, rpc := range []string{"test.v1.Calls.Call0", "test.v1.Calls.Call1"} {
				if err != nil && !strings.Contains(err.Error(), rpc) {
					t.Errorf("the error %q does not name %s", err, rpc)
				}
			}
		})
	}
}
