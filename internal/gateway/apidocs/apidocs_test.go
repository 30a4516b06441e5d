package apidocs_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
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

func TestPageNamesTheService(t *testing.T) {
	h := apidocs.New("users", openapi.FS, func(_ http.ResponseWriter, r *http.Request, err error) {
		t.Errorf("%s: %v", r.URL.Path, err)
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/users/api-docs/", nil))
	if !strings.Contains(w.Body.String(), "<title>users API</title>") {
		t.Errorf("the page does not name the service:\n%s", w.Body)
	}
}

// TestAssetsWithoutGzip checks that clients that do not accept gzip get the same content, and that a second request does not
// decompress it again: everybody can ask for it.
func TestAssetsWithoutGzip(t *testing.T) {
	h := apidocs.New("users", openapi.FS, func(_ http.ResponseWriter, r *http.Request, err error) {
		t.Errorf("%s: %v", r.URL.Path, err)
	})
	get := func(encoding string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/users/api-docs/swagger-ui-bundle.js", nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	z, err := gzip.NewReader(get("gzip").Body)
	if err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if got := get("identity").Body.Bytes(); len(want) == 0 || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes without gzip, want %d", len(got), len(want))
	}
	discard := &discardWriter{header: http.Header{}}
	r := httptest.NewRequest(http.MethodGet, "/users/api-docs/swagger-ui-bundle.js", nil)
	const requests = 10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range requests {
		h.ServeHTTP(discard, r)
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / requests; got > 16<<10 { // a gzip.Reader needs 40 KiB
		t.Errorf("a request without gzip allocates %d bytes, as if it decompressed the file", got)
	}
}

// discardWriter is a ResponseWriter that discards the answer.
type discardWriter struct{ header http.Header }

func (w *discardWriter) Header() http.Header       { return w.header }
func (*discardWriter) Write(b []byte) (int, error) { return len(b), nil }
func (*discardWriter) WriteHeader(int)             {}
