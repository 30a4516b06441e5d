package main

import (
	"fmt"
	"strings"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/datadir"
	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/demo"
)

// banner returns the text that shows the addresses and the credentials of the running platform.
func banner(address, diagnostics string, dir *datadir.Dir, admin datadir.Admin, withDemo bool) string {
	var b strings.Builder
	row := func(name, value string) { fmt.Fprintf(&b, "  %-10s %s\n", name, value) }
	url := "http://" + browsable(address)
	b.WriteString("\n")
	row("Start here", url+"/")
	row("API", url+"/api/v1")
	row("WebSocket", "ws"+strings.TrimPrefix(url, "http")+"/notifications/ws")
	row("Health", url+"/health")
	row("Metrics", "http://"+browsable(diagnostics)+"/metrics")
	row("Admin", admin.Email+"  "+admin.Password)
	if withDemo {
		row("Players", strings.Join(demo.Players(), ", ")+"  "+demo.Password)
	}
	row("Tour", "go run ./cmd/loyalty-dev tour"+tourFlags(address, dir))
	row("Verify", "go run ./cmd/loyalty verify --settings "+dir.Path(settingsFile))
	b.WriteString("\n  Press Ctrl-C to stop.\n\n")
	return b.String()
}

// tourFlags returns the flags that the tour needs to find this platform. It returns an empty string for the defaults.
func tourFlags(address string, dir *datadir.Dir) string {
	flags := ""
	if a := browsable(address); a != defaultAddr {
		flags += " --addr " + a
	}
	if data, err := datadir.Default(); err != nil || data != dir.Path() {
		flags += " --data " + dir.Path()
	}
	return flags
}

// browsable returns an address that clients can connect to. For an address that listens on all interfaces, the host is
// localhost.
func browsable(address string) string {
	for _, all := range []string{"[::]:", "0.0.0.0:", ":"} {
		if port, ok := strings.CutPrefix(address, all); ok {
			return "localhost:" + port
		}
	}
	return address
}
