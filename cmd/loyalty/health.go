package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/casino-loyalty/loyalty/internal/config"
)

// healthTimeout is the time that a health check may take. It is longer than the service's own checks.
const healthTimeout = 6 * time.Second

type healthSettings struct {
	Diagnostics diagnosticsSettings
}

// runHealth asks the service in the same container for its readiness. It returns an error if the service is not ready.
func runHealth(ctx context.Context, c call) error {
	if err := c.flags("health", 0, nil); err != nil {
		return err
	}
	s, err := config.LoadWith[healthSettings](c.settings)
	if err != nil {
		return err
	}
	url, err := readyURL(string(s.Diagnostics.Listen))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("the service does not answer: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", body)
	}
	_, err = c.stdout.Write(body)
	return err
}

// readyURL returns the URL of the readiness check of a service whose diagnostics listen on address. If they listen on all
// interfaces, the URL names the loopback interface.
func readyURL(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("LOYALTY_DIAGNOSTICS_LISTEN: %w", err)
	}
	if port == "0" {
		return "", errors.New("LOYALTY_DIAGNOSTICS_LISTEN: the port is chosen at the start, so no other process knows it")
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/health/ready", nil
}
