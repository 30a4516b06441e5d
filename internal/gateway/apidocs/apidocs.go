// Package apidocs serves the API documents of a service: a Swagger UI page, the OpenAPI document as YAML and as JSON, and
// the AsyncAPI document. The program contains all assets of the page, so the page loads nothing from other hosts.
package apidocs

import (
	"bytes"
	"compress/gzip"
	"embed"
	"html"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/swaggest/swgui/v5/static"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// contentSecurityPolicy lets the page run its own scripts and call its own server. Swagger UI needs inline styles and data
// URLs.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page.html page.js
var page embed.FS

// assets maps the Swagger UI files that the page loads to their content types.
var assets = map[string]string{
	"swagger-ui.css":       "text/css; charset=utf-8",
	"swagger-ui-bundle.js": "text/javascript; charset=utf-8",
	"favicon-32x32.png":    "image/png",
}

// Fail answers a request with an error.
type Fail func(http.ResponseWriter, *http.Request, error)

type docs struct {
	base    string
	fail    Fail
	service string
	yaml    []byte
	async   http.Handler
	json    func() ([]byte, error)
	assets  func() (map[string]asset, error)
}

// New returns a handler that serves the API documents of the service NAME below /NAME/api-docs/. It reads the file
// NAME.openapi.yaml of documents. If the file does not exist, the handler answers NOT_FOUND.
func New(name string, documents fs.FS, fail Fail) http.Handler {
	content, err := fs.ReadFile(documents, name+".openapi.yaml")
	if err != nil {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fail(w, r, apperr.New(apperr.NotFound, "%s has no API document", name))
		})
	}
	return &docs{
		base:    "/" + name + "/api-docs",
		fail:    fail,
		service: name,
		yaml:    content,
		async:   AsyncAPI(documents, fail),
		json:    sync.OnceValues(func() ([]byte, error) { return toJSON(content) }),
		assets:  sync.OnceValues(readAssets),
	}
}

// AsyncAPI returns a handler that serves the document asyncapi.yaml, which describes the WebSockets and the events. If
// documents does not contain this file, the handler answers NOT_FOUND.
func AsyncAPI(documents fs.FS, fail Fail) http.Handler {
	content, err := fs.ReadFile(documents, asyncAPI)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			fail(w, r, apperr.New(apperr.NotFound, "there is no AsyncAPI document"))
			return
		}
		serve(w, "application/yaml", content)
	})
}

const asyncAPI = "asyncapi.yaml"

func (d *docs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		d.fail(w, r, apperr.New(apperr.MethodNotAllowed, "use GET or HEAD"))
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, d.base+"/")
	switch {
	case r.URL.Path == d.base:
		http.Redirect(w, r, d.base+"/", http.StatusMovedPermanently)
	case !ok:
		d.fail(w, r, apperr.New(apperr.NotFound, "page not found"))
	case name == "":
		d.servePage(w)
	case name == "page.js":
		content, _ := page.ReadFile("page.js") // embedded, so it exists
		serve(w, "text/javascript; charset=utf-8", content)
	case name == "openapi.yaml":
		serve(w, "application/yaml", d.yaml)
	case name == asyncAPI:
		d.async.ServeHTTP(w, r)
	case name == "openapi.json":
		d.serveJSON(w, r)
	default:
		d.serveAsset(w, r, name)
	}
}

func (d *docs) servePage(w http.ResponseWriter) {
	content, _ := page.ReadFile("page.html") // embedded, so it exists
	w.Header().Set("Content-Security-Policy", contentSecurityPolicy)
	serve(w, "text/html; charset=utf-8", bytes.ReplaceAll(content, []byte("SERVICE"), []byte(html.EscapeString(d.service))))
}

func (d *docs) serveJSON(w http.ResponseWriter, r *http.Request) {
	content, err := d.json()
	if err != nil {
		d.fail(w, r, apperr.New(apperr.Internal, "").WithCause(err))
		return
	}
	serve(w, "application/json", content)
}

func serve(w http.ResponseWriter, contentType string, content []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // it fails only if the client has disconnected
}

// asset is a file of Swagger UI. Images are not compressed.
type asset struct{ plain, compressed []byte }

// readAssets reads and decompresses the embedded files of Swagger UI.
func readAssets() (map[string]asset, error) {
	found := map[string]asset{}
	for name := range assets {
		var a asset
		var err error
		if path.Ext(name) == ".png" {
			a.plain, err = static.FS.ReadFile(name)
		} else if a.compressed, err = static.FS.ReadFile(name + ".gz"); err == nil {
			a.plain, err = decompress(a.compressed)
		}
		if err != nil {
			return nil, err
		}
		found[name] = a
	}
	return found, nil
}

func decompress(compressed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// serveAsset serves a file of Swagger UI, compressed if the client accepts gzip. Files are read and decompressed once,
// because everybody can ask for them without a limit.
func (d *docs) serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	contentType, ok := assets[name]
	if !ok {
		d.fail(w, r, apperr.New(apperr.NotFound, "page not found"))
		return
	}
	all, err := d.assets()
	if err != nil {
		d.fail(w, r, apperr.New(apperr.Internal, "").WithCause(err))
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=86400")
	content := all[name].plain
	if compressed := all[name].compressed; compressed != nil {
		w.Header().Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			content = compressed
		}
	}
	serve(w, contentType, content)
}
