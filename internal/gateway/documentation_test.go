package gateway_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestDocumentation(t *testing.T) {
	base := start(t, services())
	for path, want := range map[string]struct{ contentType, content string }{
		"/users/api-docs/":                     {"text/html; charset=utf-8", "swagger-ui-bundle.js"},
		"/users/api-docs/page.js":              {"text/javascript; charset=utf-8", "SwaggerUIBundle"},
		"/users/api-docs/swagger-ui-bundle.js": {"text/javascript; charset=utf-8", "SwaggerUIBundle"},
		"/users/api-docs/swagger-ui.css":       {"text/css; charset=utf-8", ".swagger-ui"},
		"/users/api-docs/favicon-32x32.png":    {"image/png", "PNG"},
		"/users/api-docs/openapi.yaml":         {"application/yaml", document},
		"/users/api-docs/asyncapi.yaml":        {"application/yaml", "asyncapi: 3.0.0"},
		"/asyncapi.yaml":                       {"application/yaml", "asyncapi: 3.0.0"},
		"/users/api-docs/openapi.json": {"application/json", `{"openapi":"3.1.0","info":{"title":"Users","version":"1"},` +
			`"paths":{"/b":{"get":{"responses":{"200":{"description":"fine"}}}},"/a":{}}}`},
	} {
		resp, body := ask(t, base, "GET", path, http.Header{"Accept-Encoding": {"identity"}})
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != want.contentType {
			t.Errorf("%s: got %d %s, want 200 %s", path, resp.StatusCode, resp.Header.Get("Content-Type"), want.contentType)
		}
		if !strings.Contains(body, want.content) {
			t.Errorf("%s: got %.300q, want a text with %q", path, body, want.content)
		}
	}
	resp, _ := ask(t, base, "GET", "/users/api-docs", nil)
	if resp.StatusCode != 301 || resp.Header.Get("Location") != "/users/api-docs/" {
		t.Errorf("/users/api-docs: got %d to %q, want 301 to /users/api-docs/", resp.StatusCode, resp.Header.Get("Location"))
	}
	resp, _ = ask(t, base, "GET", "/users/api-docs/swagger-ui.css", http.Header{"Accept-Encoding": {"br, gzip"}})
	if resp.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("Content-Encoding is %q, want gzip", resp.Header.Get("Content-Encoding"))
	}
	for _, path := range []string{"/users/api-docs/embed.go", "/users/api-docs/x/y", "/promotions/api-docs/"} {
		resp, body := ask(t, base, "GET", path, nil)
		checkProblem(t, resp, body, http.StatusNotFound, "NOT_FOUND")
	}
	resp, body := ask(t, base, "POST", "/users/api-docs/", nil)
	checkProblem(t, resp, body, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
}

// TestPageLinks checks that the documentation page links to the documents and that every link works.
func TestPageLinks(t *testing.T) {
	base := start(t, services())
	_, page := ask(t, base, "GET", "/users/api-docs/", nil)
	links := regexp.MustCompile(`(?:href|src)="([^"]+)"`).FindAllStringSubmatch(page, -1)
	var all []string
	for _, link := range links {
		all = append(all, link[1])
		if resp, body := ask(t, base, "GET", "/users/api-docs/"+link[1], nil); resp.StatusCode != 200 {
			t.Errorf("%s: got %d %s, want 200", link[1], resp.StatusCode, body)
		}
	}
	for _, want := range []string{"openapi.yaml", "openapi.json", "asyncapi.yaml"} {
		if !slices.Contains(all, want) {
			t.Errorf("the page does not link to %s, only to %v", want, all)
		}
	}
}
