package sdk_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

// interpreter is the Python of an environment with the wheel of sdk/python. It is prepared once.
var interpreter struct {
	once sync.Once
	path string
	err  error
}

// pythonCommand returns a command that runs a Python program.
func pythonCommand(t *testing.T, program string, arguments ...string) *exec.Cmd {
	t.Helper()
	interpreter.once.Do(func() {
		prepare := exec.Command("../../scripts/sdk-python.sh", "env")
		prepare.Stderr = os.Stderr
		out, err := prepare.Output()
		interpreter.path, interpreter.err = strings.TrimSpace(string(out)), err
	})
	if interpreter.err != nil {
		t.Fatal(interpreter.err)
	}
	path, err := filepath.Abs(program)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*timeout)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, interpreter.path, append([]string{path}, arguments...)...)
	cmd.Dir = t.TempDir() // so that the wheel is imported, and not the sources
	return cmd
}

// TestPythonExample runs the example of the Python SDK, which plays the three scenarios with a live inbox.
func TestPythonExample(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	out, err := pythonCommand(t, "../../sdk/python/examples/scenarios.py",
		"--url", p.url(), "--admin-email", adminEmail, "--admin-password", adminPassword).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// TestPythonListen assigns promotions to a player while the asynchronous example listens, and ends the player's sessions in
// between.
func TestPythonListen(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	admin, user := playerOf(t, p)
	cmd := pythonCommand(t, "../../sdk/python/examples/listen.py",
		"--url", p.url(), "--email", playerEmail, "--password", playerPassword, "--count", "2")
	lines := startLines(t, cmd)
	lines.want("connected")
	give(t, admin, user, "First")
	lines.want("received First")
	lines.want("0 unread")
	if err := admin.EndSessions(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	lines.want("connected")
	give(t, admin, user, "Second")
	lines.want("received Second")
	lines.want("0 unread")
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// TestPythonReadme runs the code of the README of the Python SDK.
func TestPythonReadme(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	admin, user := playerOf(t, p)
	promotion := give(t, admin, user, "Claimed")
	readme, err := filepath.Abs("../../sdk/python/README.md")
	if err != nil {
		t.Fatal(err)
	}
	cmd := pythonCommand(t, "python/readme.py", readme, p.url(), playerEmail, playerPassword, adminEmail, adminPassword, promotion)
	lines := startLines(t, cmd)
	lines.want("listening")
	give(t, admin, user, "Live")
	lines.want("ran 8 blocks")
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// TestPythonFaults is TestGoFaults with the Python SDK: python/faults.py plays the rounds, and asks for a fault during each.
func TestPythonFaults(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	_, user := playerOf(t, p)
	tokens := newExpiring(t, p)
	target, err := url.Parse(p.url())
	if err != nil {
		t.Fatal(err)
	}
	forger := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: tokens, ErrorLog: log.New(t.Output(), "", 0),
	})
	t.Cleanup(forger.Close)
	front := startProxy(t, forger.Listener.Addr().String())
	cmd := pythonCommand(t, "python/faults.py", front.url(), adminEmail, adminPassword, playerEmail, playerPassword, user.ID)
	commands, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	lines := startLines(t, cmd)
	var outcome struct {
		Paid  map[string]string `json:"paid"` // the transactions by promotion
		Error string            `json:"error"`
	}
	for line := range lines.lines {
		switch {
		case line == "drop":
			t.Logf("dropped %d connections", front.drop())
		case line == "restart":
			p.kill()
			p.start()
			t.Log("restarted the platform")
		case line == "expire":
			tokens.expire()
		case strings.HasPrefix(line, "{"):
			if err := json.Unmarshal([]byte(line), &outcome); err != nil {
				t.Fatal(err)
			}
			continue
		default:
			t.Log(line)
			continue
		}
		if _, err := io.WriteString(commands, "done\n"); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil || outcome.Error != "" {
		t.Fatalf("%v: %s", err, outcome.Error)
	}
	if len(outcome.Paid) != rounds {
		t.Errorf("%d promotions were claimed, want %d", len(outcome.Paid), rounds)
	}
	checkEffects(t, connect(t, p, adminEmail, adminPassword), connect(t, p, playerEmail, playerPassword), outcome.Paid)
	if tokens.count == 0 {
		t.Error("no request had an expired token")
	}
	t.Logf("%d requests had an expired token; %d promotions were claimed", tokens.count, len(outcome.Paid))
}

const playerEmail, playerPassword = "anna@example.com", "a long enough phrase"

// connect returns a Go client.
func connect(t *testing.T, p *platform, email, password string) *loyalty.Client {
	t.Helper()
	c, err := loyalty.New(p.url(), loyalty.WithCredentials(email, password), loyalty.WithTimeout(timeout))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// playerOf registers a player. It returns a client of the admin, and the player.
func playerOf(t *testing.T, p *platform) (*loyalty.Client, *loyalty.User) {
	t.Helper()
	admin := connect(t, p, adminEmail, adminPassword)
	user, err := admin.Register(t.Context(), loyalty.RegisterRequest{Email: playerEmail, Password: playerPassword})
	if err != nil {
		t.Fatal(err)
	}
	return admin, user
}

// give assigns a new promotion to a player, and returns its id.
func give(t *testing.T, admin *loyalty.Client, user *loyalty.User, title string) string {
	t.Helper()
	created, err := admin.CreatePromotion(t.Context(), loyalty.PromotionInput{
		Title: title, Type: loyalty.PromotionTypeBonus, Amount: "1", StartDate: "2026-01-01", EndDate: "2099-12-31",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Assign(t.Context(), created.ID, loyalty.AssignRequest{PlayerIDs: []string{user.ID}}); err != nil {
		t.Fatal(err)
	}
	return created.ID
}

// output is the output of a running program, line by line.
type output struct {
	t      *testing.T
	lines  chan string
	errors *bytes.Buffer
}

// startLines starts a program. It is killed when the test ends.
func startLines(t *testing.T, cmd *exec.Cmd) *output {
	t.Helper()
	o := &output{t: t, lines: make(chan string), errors: &bytes.Buffer{}}
	cmd.Stderr = o.errors
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(o.lines)
		for s := bufio.NewScanner(pipe); s.Scan(); {
			select {
			case o.lines <- s.Text():
			case <-t.Context().Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has usually ended
		if t.Failed() {
			t.Logf("errors of %s:\n%s", cmd.Path, o.errors)
		}
	})
	return o
}

// want waits for a line. It skips others.
func (o *output) want(line string) {
	o.t.Helper()
	for got := range o.lines {
		o.t.Log(got)
		if got == line {
			return
		}
	}
	o.t.Fatalf("the program has ended without the line %q", line)
}
