package main

import (
	"fmt"
	"strings"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/datadir"
	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/demo"
)

// banner says where to go and how to log in.
func banner(address string, dir *datadir.Dir, admin datadir.Admin, withDemo bool) string {
	var b strings.Builder
	row := func(name, value string) { fmt.Fprintf(&b, "  %-10s %s\n", name, value) }
	url := "http://" + browsable(address)
	b.WriteString("\n")
	row("API", url+"/api/v1")
	for i, service := range databases {
		name := ""
		if i == 0 {
			name = "Docs"
		}
		row(name, url+"/"+service+"/api-docs/")
	}
	row("WebSocket", "ws"+strings.TrimPrefix(url, "http")+"/notifications/ws")
	row("Health", url+"/health")
	row("Admin", admin.Email+"  "+admin.Password)
	if withDemo {
		row("Players", strings.Join(demo.Players(), ", ")+"  "+demo.Password)
	}
	row("Tour", "go run ./cmd/loyalty-dev tour"+where(address, dir))
	row("Verify", "go run ./cmd/loyalty verify --settings "+dir.Path(settingsFile))
	b.WriteString("\n  Ctrl-C stops it.\n\n")
	return b.String()
}

// where are the flags that lead the tour to this platform, none where it is where it is looked for.
func where(address string, dir *datadir.Dir) string {
	flags := ""
	if a := browsable(address); a != defaultAddr {
		flags += " --addr " + a
	}
	if data, err := datadir.Default(); err != nil || data != dir.Path() {
		flags += " --data " + dir.Path()
	}
	return flags
}

// browsable makes an address that listens on all interfaces one that can be asked.
func browsable(address string) string {
	if port, ok := strings.CutPrefix(address, "[::]:"); ok {
		return "localhost:" + port
	}
	if port, ok := strings.CutPrefix(address, "0.0.0.0:"); ok {
		return "localhost:" + port
	}
	return address
}
