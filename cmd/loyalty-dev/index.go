package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/demo"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

//go:embed index.html
var indexTemplate string

// index is the data of the page at "/".
type index struct {
	URL, Host, AdminEmail string
	Players               []string
	PlayerPassword        string
}

// newIndex returns the handler of the page at "/". The page links to the documentation and to the status, and explains how
// to log in.
func newIndex(address, adminEmail string, withDemo bool) (http.Handler, error) {
	page, err := template.New("index").Parse(indexTemplate)
	if err != nil {
		return nil, err
	}
	data := index{Host: browsable(address), URL: "http://" + browsable(address), AdminEmail: adminEmail}
	if withDemo {
		data.Players, data.PlayerPassword = demo.Players(), demo.Password
	}
	var body bytes.Buffer
	if err := page.Execute(&body, data); err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			rpcserver.WriteProblem(w, r, apperr.New(apperr.NotFound, "no such route"))
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		_, _ = w.Write(body.Bytes())
	}), nil
}
