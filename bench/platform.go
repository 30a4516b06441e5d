package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// platform is a loyalty-dev process with logged-in players.
type platform struct {
	url       string
	databases map[string]string // URL of each service
	client    *http.Client
	staff     string // access token of the admin
	players   []player
	command   *exec.Cmd
}

type player struct{ id, token string }

const (
	benchAdmin    = "admin@example.com"
	benchPassword = "password of the bench"
)

// startPlatform builds and starts the platform, then registers and logs in n players. The caller must call stop, except
// after an error: startPlatform has then stopped the platform.
func (e *Env) startPlatform(ctx context.Context, n int) (_ *platform, err error) {
	e.progress("  building and starting the platform")
	program := filepath.Join(e.folder, "loyalty-dev")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/loyalty-dev").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build loyalty-dev: %w\n%s", err, out)
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	data, err := os.MkdirTemp(e.folder, "platform-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(data, 0o755); err != nil { // the server may run as another user
		return nil, err
	}
	p := &platform{
		url:    "http://" + addr,
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}},
		command: exec.Command(program, "--addr", addr, "--data", data,
			"--admin-email", benchAdmin, "--admin-password", benchPassword, "--address-limit", "50000"),
	}
	p.command.Stdout, p.command.Stderr = io.Discard, os.Stderr
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C must reach only this program, which stops the platform
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	if err := p.ready(ctx); err != nil {
		return nil, err
	}
	if p.databases, err = readDatabases(filepath.Join(data, "loyalty.env")); err != nil {
		return nil, err
	}
	if _, p.staff, err = p.login(ctx, benchAdmin); err != nil {
		return nil, err
	}
	e.progress("  registering %d players", n)
	return p, p.register(ctx, n)
}

// ready waits until the platform is ready. It returns an error after one minute.
func (p *platform) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if status, _, err := p.call(ctx, http.MethodGet, "/health", "", nil); err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("the platform did not become ready within a minute")
		}
	}
}

// register registers and logs in n players, eight at a time.
func (p *platform) register(ctx context.Context, n int) error {
	p.players = make([]player, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range p.players {
		g.Go(func() error {
			email := fmt.Sprintf("player%d@example.com", i)
			status, answer, err := p.call(ctx, http.MethodPost, "/api/v1/auth/register", "", credentials(email))
			if err == nil && status != http.StatusCreated {
				err = fmt.Errorf("register: status %d: %s", status, answer)
			}
			if err != nil {
				return err
			}
			p.players[i].id, p.players[i].token, err = p.login(ctx, email)
			return err
		})
	}
	return g.Wait()
}

func credentials(email string) map[string]any {
	return map[string]any{"email": email, "password": benchPassword}
}

func (p *platform) login(ctx context.Context, email string) (id, token string, err error) {
	status, answer, err := p.call(ctx, http.MethodPost, "/api/v1/auth/login", "", credentials(email))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("log in: status %d: %s", status, answer)
	}
	if err != nil {
		return "", "", err
	}
	var session struct {
		AccessToken string `json:"accessToken"`
		User        struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	err = json.Unmarshal(answer, &session)
	return session.User.ID, session.AccessToken, err
}

// call sends a request with body as JSON; body may be nil. It returns the status and the body of the response. Connections
// are reused. It is safe for concurrent use.
func (p *platform) call(ctx context.Context, method, path, token string, body any) (status int, answer []byte, err error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, content)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := p.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// stop interrupts the platform and waits until the process has ended.
func (p *platform) stop() error {
	p.client.CloseIdleConnections()
	if err := p.command.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return p.command.Wait()
}

// readDatabases reads a settings file and returns the database URL of each service.
func readDatabases(path string) (map[string]string, error) {
	content, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	urls := map[string]string{}
	for line := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if service, ok := strings.CutSuffix(name, "_DATABASE_URL"); ok {
			urls[strings.ToLower(strings.TrimPrefix(service, "LOYALTY_"))] = value
		}
	}
	return urls, nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
