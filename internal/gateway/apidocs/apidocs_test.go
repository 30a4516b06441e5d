package apidocs_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/casino-loyalty/loyalty/internal/gateway/apidocs"
	"github.com/casino-loyalty/loyalty/openapi"
)

// TestJSONEqualsYAML checks that the JSON form of each service's OpenAPI document equals its YAML form.
func TestJSONEqualsYAML(t *testing.T) {
	for _, name := range []string{"users", "promotions", "notifications"} {
		h := apidocs.New(name, openapi.FS, func(_ http.ResponseWriter, r *http.Request, err error) {
			t.Errorf("%s: %v", r.URL.Path, err)
		})
		get := func(file string) []byte {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+name+"/api-docs/"+file, nil))
			return w.Body.Bytes()
		}
		var fromYAML, fromJSON any
		if err := yaml.Unmarshal(get("openapi.yaml"), &fromYAML); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(get("openapi.json"), &fromJSON); err != nil {
			t.Fatal(err)
		}
		paths, _ := fromJSON.(map[string]any)["paths"].(map[string]any)
		if len(paths) == 0 {
			t.Errorf("%s describes no path", name)
		}
		// Encode and decode the YAML values as JSON, so that both documents have the same number types.
		again, err := json.Marshal(fromYAML)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(again, &fromYAML); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(fromYAML, fromJSON) {
			t.Errorf("%s differs between YAML and JSON", name)
		}
	}
}
