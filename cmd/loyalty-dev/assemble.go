package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/datadir"
	"github.com/casino-loyalty/loyalty/internal/gateway"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
)

// assemble starts everything, hands it to the group and returns what the public port serves.
func assemble(g *lifecycle.Group, dir *datadir.Dir, o options, p *progress, log *slog.Logger) (http.Handler, error) {
	ctx := g.Context()
	if _, err := startServers(ctx, g, dir, o.bus, p, log); err != nil {
		return nil, err
	}
	missing := func(context.Context) error { return errors.New("the service is not part of this program") }
	return gateway.New(gateway.Services{Ready: map[string]func(context.Context) error{
		"users": missing, "promotions": missing, "notifications": missing,
	}}, gateway.Options{Log: log}), nil
}

// banner says where to go and how to log in.
func banner(address string, admin datadir.Admin) string {
	var b strings.Builder
	row := func(name, value string) { fmt.Fprintf(&b, "  %-10s %s\n", name, value) }
	url := "http://" + browsable(address)
	b.WriteString("\n")
	row("API", url+"/api/v1")
	for _, service := range databases {
		row("", url+"/"+service+"/api-docs/")
	}
	row("WebSocket", "ws"+strings.TrimPrefix(url, "http")+"/notifications/ws")
	row("Health", url+"/health")
	row("Admin", admin.Email+"  "+admin.Password)
	row("Tour", "go run ./cmd/loyalty-dev tour")
	b.WriteString("\n  Ctrl-C stops it.\n\n")
	return b.String()
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
