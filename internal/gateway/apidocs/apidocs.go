// Package apidocs serves a service's OpenAPI document: a page to read and try it, and the document itself beside it, as
// YAML and as JSON. The page and all it loads come from this program; nothing is fetched from elsewhere.
package apidocs

import (
	"bytes"
	"compress/gzip"
	"embed"
	"html/template"
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

// contentSecurityPolicy lets the page run its own scripts and call its own server. Swagger UI sets styles inline and
// draws with data URLs.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page.html page.js
var page embed.FS

// assets are the parts of Swagger UI that the page loads.
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
	json    func() ([]byte, error)
}

// New serves the document NAME.openapi.yaml of documents below /NAME/api-docs/. Without that document all is NOT_FOUND.
func New(name string, documents fs.FS, fail Fail) http.Handler {
	content, err := fs.ReadFile(documents, name+".openapi.yaml")
	if err != nil {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fail(w, r, apperr.New(apperr.NotFound, "%s has no documentation", name))
		})
	}
	return &docs{
		base:    "/" + name + "/api-docs",
		fail:    fail,
		service: name,
		yaml:    content,
		json:    sync.OnceValues(func() ([]byte, error) { return toJSON(content) }),
	}
}

func (d *docs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		d.fail(w, r, apperr.New(apperr.MethodNotAllowed, "the documentation is only read"))
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, d.base+"/")
	switch {
	case r.URL.Path == d.base:
		http.Redirect(w, r, d.base+"/", http.StatusMovedPermanently)
	case !ok:
		d.fail(w, r, apperr.New(apperr.NotFound, "there is no such page"))
	case name == "":
		d.servePage(w, r)
	case name == "page.js":
		content, _ := page.ReadFile("page.js") // is embedded
		serve(w, "text/javascript; charset=utf-8", content)
	case name == "openapi.yaml":
		serve(w, "application/yaml", d.yaml)
	case name == "openapi.json":
		d.serveJSON(w, r)
	default:
		d.serveAsset(w, r, name)
	}
}

func (d *docs) servePage(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	t, err := template.ParseFS(page, "page.html")
	if err == nil {
		err = t.Execute(&b, d.service)
	}
	if err != nil {
		d.fail(w, r, apperr.New(apperr.Internal, "").WithCause(err))
		return
	}
	w.Header().Set("Content-Security-Policy", contentSecurityPolicy)
	serve(w, "text/html; charset=utf-8", b.Bytes())
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
	_, _ = w.Write(content) //nolint:gosec // our own content; it fails only for a client that has gone
}

// serveAsset serves a part of Swagger UI, which is packed: as it is to a client that can unpack it.
func (d *docs) serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	contentType, ok := assets[name]
	if !ok {
		d.fail(w, r, apperr.New(apperr.NotFound, "there is no such page"))
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=86400")
	if path.Ext(name) == ".png" {
		content, _ := static.FS.ReadFile(name) // is embedded
		serve(w, contentType, content)
		return
	}
	packed, _ := static.FS.ReadFile(name + ".gz") // is embedded
	w.Header().Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		serve(w, contentType, packed)
		return
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		d.fail(w, r, apperr.New(apperr.Internal, "").WithCause(err))
		return
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = io.Copy(w, unpacked) //nolint:gosec // our own content; it fails only for a client that has gone
}
