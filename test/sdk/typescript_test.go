package sdk_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

const typescriptFolder = "../../sdk/typescript"

// compiled is the TypeScript SDK with its examples and tests. It is compiled once.
var compiled struct {
	once sync.Once
	out  []byte
	err  error
}

// typescript returns a command that runs a compiled program of the TypeScript SDK.
func typescript(t *testing.T, script string, arguments ...string) *exec.Cmd {
	t.Helper()
	compiled.once.Do(func() {
		cmd := exec.Command("sh", "-c",
			"test -d node_modules || npm ci --prefer-offline --no-audit --no-fund --loglevel error && npm run --silent compile")
		cmd.Dir = typescriptFolder
		compiled.out, compiled.err = cmd.CombinedOutput()
	})
	if compiled.err != nil {
		t.Fatalf("%v\n%s", compiled.err, compiled.out)
	}
	cmd := exec.CommandContext(t.Context(), "node", append([]string{"build/" + script}, arguments...)...)
	cmd.Dir = typescriptFolder
	return cmd
}

// TestTypeScriptExample runs the example of the TypeScript SDK, which plays the three scenarios with a live inbox.
func TestTypeScriptExample(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	t.Run("Node.js", func(t *testing.T) {
		t.Parallel()
		out, err := typescript(t, "examples/scenarios/main.js",
			"--url", p.url(), "--email", adminEmail, "--password", adminPassword).CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("Chromium", func(t *testing.T) {
		t.Parallel()
		out, err := typescript(t, "tests/browser.js", p.url(), adminEmail, adminPassword).CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestTypeScriptFaults is TestGoFaults for the TypeScript SDK. The program checks the effects of its calls. Before each
// call, it prints the round and the call.
func TestTypeScriptFaults(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	tokens := newExpiring(t, p)
	front := startProxy(t, strings.TrimPrefix(startGateway(t, p.url(), tokens), "http://"))
	faults := []func(){
		func() { t.Logf("dropped %d connections", front.drop()) },
		func() { p.kill(); p.start(); t.Log("restarted the platform") },
		tokens.expire,
	}
	cmd := typescript(t, "tests/faults.js", front.url(), adminEmail, adminPassword)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var next struct{ Round, Call int }
		if json.Unmarshal(lines.Bytes(), &next) != nil {
			t.Log(lines.Text())
			continue
		}
		if next.Call == next.Round/len(faults) {
			wg.Go(faults[next.Round%len(faults)])
		}
	}
	wg.Wait()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if tokens.count == 0 {
		t.Error("no request had an expired token")
	}
	t.Logf("%d requests had an expired token", tokens.count)
}

// startGateway starts an HTTP server that forwards requests with a transport. If the platform does not answer, it drops the
// connection.
func startGateway(t *testing.T, to string, transport http.RoundTripper) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport,
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, _ error) {
			if r.Context().Err() != context.Canceled {
				panic(http.ErrAbortHandler)
			}
		},
	})
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}
