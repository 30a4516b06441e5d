package tour

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// awaitHealth waits until the platform is ready. It returns an error at once if the server at the address is not a platform,
// or if there is no server. It returns an error after timeout.
func (g *guide) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ready, answer, err := g.checkHealth(ctx)
		if ready || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the platform at %s is not ready: /health answered %s", g.url, answer)
		}
	}
}

// checkHealth requests /health once. ready is true if the platform is ready. answer describes the response for error
// messages. checkHealth returns an error if the server at the address is not a platform, or if there is no server.
func (g *guide) checkHealth(ctx context.Context) (ready bool, answer string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/health", nil)
	if err != nil {
		return false, "", fmt.Errorf("%s is not the URL of a platform: %w", g.url, err)
	}
	resp, err := g.client.Do(r)
	if err != nil {
		return false, "", fmt.Errorf("no platform at %s (%w): start one with: go run ./cmd/loyalty-dev", g.url, err)
	}
	defer resp.Body.Close()
	answer = DescribeAnswer(resp)
	switch resp.StatusCode {
	case http.StatusOK:
		if isPlatform(resp.Body) {
			return true, answer, nil
		}
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false, answer, nil // from a platform that is not ready, or from a proxy in front of it
	}
	return false, answer, fmt.Errorf("no platform at %s: /health answered %s; set --addr to the address of the platform",
		g.url, answer)
}

// isPlatform reports whether the body of an answer with status 200 comes from /health of a platform.
func isPlatform(body io.Reader) bool {
	var health struct {
		Status   string            `json:"status"`
		Services map[string]string `json:"services"`
	}
	err := json.NewDecoder(io.LimitReader(body, 1<<20)).Decode(&health)
	return err == nil && health.Status != "" && health.Services != nil
}

// DescribeAnswer describes an unexpected HTTP response: its status, content type and server.
func DescribeAnswer(resp *http.Response) string {
	var facts []string
	for _, name := range []string{"Content-Type", "Server"} {
		if value := resp.Header.Get(name); value != "" {
			facts = append(facts, name+": "+value)
		}
	}
	if len(facts) == 0 {
		return resp.Status
	}
	return fmt.Sprintf("%s (%s)", resp.Status, strings.Join(facts, ", "))
}
