package rpcserver_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// routes returns the handler of a service that exists only in this test. The keys of rules are the names of its RPCs. Each
// RPC takes a google.rpc.ErrorInfo and returns it with the RPC's name as its domain.
func routes(t *testing.T, pkg string, rules map[string]*annotations.HttpRule) (http.Handler, error) {
	t.Helper()
	service := &descriptorpb.ServiceDescriptorProto{Name: new("Routes")}
	for name, rule := range rules {
		options := &descriptorpb.MethodOptions{}
		proto.SetExtension(options, annotations.E_Http, rule)
		proto.SetExtension(options, optionsv1.E_Access, &optionsv1.Access{Public: true})
		service.Method = append(service.Method, &descriptorpb.MethodDescriptorProto{
			Name: &name, Options: options,
			InputType:  new(".google.rpc.ErrorInfo"),
			OutputType: new(".google.rpc.ErrorInfo"),
		})
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: new(pkg + ".proto"), Package: &pkg, Syntax: new("proto3"),
		Dependency: []string{"google/rpc/error_details.proto"},
		Service:    []*descriptorpb.ServiceDescriptorProto{service},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	if err := protoregistry.GlobalFiles.RegisterFile(file); err != nil {
		t.Fatal(err)
	}
	s, err := rpcserver.New(config(t))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for name := range rules {
		procedure := "/" + pkg + ".Routes/" + name
		mux.Handle(procedure, connect.NewUnaryHandler(procedure, func(
			_ context.Context, r *connect.Request[errdetails.ErrorInfo],
		) (*connect.Response[errdetails.ErrorInfo], error) {
			return connect.NewResponse(&errdetails.ErrorInfo{Reason: r.Msg.GetReason(), Domain: name}), nil
		}, s.Options()...))
	}
	s.Mount("/"+pkg+".Routes/", mux)
	return s.Handler()
}

func get(path string) *annotations.HttpRule {
	return &annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: path}}
}

func post(path string) *annotations.HttpRule {
	return &annotations.HttpRule{Pattern: &annotations.HttpRule_Post{Post: path}, Body: "*"}
}

func TestLiteralSegmentsTakePrecedence(t *testing.T) {
	const base = "/api/v1/promotions"
	h, err := routes(t, "test.literals.v1", map[string]*annotations.HttpRule{
		"List": get(base), "Create": post(base), "Get": get(base + "/{reason}"), "Claim": post(base + "/claim"),
		"Player": get(base + "/players/{reason}"), "Stats": get(base + "/{reason}/stats"),
		"Assign": post(base + "/{reason}/assign"), "Deep": get(base + "/{reason}/stats/days"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"GET /x/stats":            "Stats x",
		"GET /x":                  "Get x",
		"GET /players":            "Get players",
		"GET /players/x":          "Player x",
		"GET /players/stats":      "Player stats",
		"GET /players/stats/days": "Deep players",
		"GET /claim/stats":        "Stats claim",
		"GET /stats":              "Get stats",
		"GET /stats/stats":        "Stats stats",
		"POST /x/assign":          "Assign x",
		"POST /claim":             "Claim ",
		"HEAD /x/stats":           "200",
		"GET ":                    "List ",
		"POST ":                   "Create ",
		"GET /claim":              "405 POST",
		"POST /x":                 "405 GET, HEAD",
		"POST /x/stats":           "405 GET, HEAD",
		"POST /players/assign":    "405 GET, HEAD",
		"PUT ":                    "405 GET, HEAD, POST",
		"GET /x/y":                "404",
		"GET /x/stats/":           "404",
		"GET //stats":             "404",
		"GET /x/stats/days/y":     "404",
		"GET /players/stats/x":    "404",
		"GET /x%2Fstats":          "Get x/stats",
	} {
		method, path, _ := strings.Cut(line, " ")
		body := ""
		if method == http.MethodPost {
			body = "{}"
		}
		r := httptest.NewRequest(method, base+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var got string
		switch {
		case w.Code == http.StatusMethodNotAllowed:
			got = "405 " + w.Header().Get("Allow")
		case w.Code == http.StatusNotFound:
			got = "404"
		case method == http.MethodHead:
			got = "200"
		default:
			p := answer{w.Code, w.Header(), w.Body.String()}.object(t)
			name, _ := p["domain"].(string)
			variable, _ := p["reason"].(string)
			got = name + " " + variable
		}
		if got != want {
			t.Errorf("%s: got %q, want %q: %s", line, got, want, w.Body)
		}
	}
}

func TestConflictingRoutes(t *testing.T) {
	h, err := routes(t, "test.conflict.v1", map[string]*annotations.HttpRule{
		"One": get("/api/v1/x/{reason}"), "Other": get("/api/v1/x/{reason}"), "Third": get("/api/v1/x"),
	})
	if h != nil || err == nil {
		t.Fatalf("Handler returned %v, %v; want an error", h, err)
	}
	for _, rpc := range []string{"test.conflict.v1.Routes.One", "test.conflict.v1.Routes.Other"} {
		if !strings.Contains(err.Error(), rpc) {
			t.Errorf("the error %q does not name %s", err, rpc)
		}
	}
}

func TestInvalidPatterns(t *testing.T) {
	for name, patterns := range map[string][]string{
		"no slash":             {"GET x"},
		"conflict":             {"GET /a/{b}/c", "GET /a/b/{c}"},
		"conflict with health": {"GET /health"},
		"used twice":           {"GET /a", "GET /a"},
	} {
		s, err := rpcserver.New(config(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range patterns {
			s.Handle(p, http.NotFoundHandler())
		}
		if h, err := s.Handler(); h != nil || err == nil || !strings.Contains(err.Error(), patterns[len(patterns)-1][5:]) {
			t.Errorf("%s: Handler returned %v, %v; want an error that names the pattern", name, h, err)
		}
	}
}
