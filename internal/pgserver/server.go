// Package pgserver runs a private PostgreSQL server with the PostgreSQL programs that are installed on this machine. The
// server listens on 127.0.0.1 only, has a generated password, keeps its data in one directory and ends with this process.
//
// On Linux the server ends even if this process is killed with SIGKILL: the kernel then sends the server the signal for
// a fast shutdown. If this process runs as root, the server runs as the user postgres or nobody, because PostgreSQL
// refuses to run as root.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// User is the server's superuser. Its password is in the data directory.
const User = "postgres"

const (
	host       = "127.0.0.1"
	readyEvery = 5 * time.Millisecond
	killAfter  = 5 * time.Second
)

// Options configures a server.
type Options struct {
	// BinDir is the directory that contains initdb and postgres. If it is empty, Start chooses an installation from
	// [FindAll] and MoreBinDir: the version that wrote the data, or the first installation if there is no data.
	BinDir string
	// MoreBinDir is a directory with an additional installation; it may be empty or missing.
	MoreBinDir string
	// DataDir holds the cluster, the password and the server's log. Start creates it.
	DataDir string
	// Port is the port on 127.0.0.1; 0 means a free port.
	Port int
	// Settings are PostgreSQL settings (postgresql.conf). They override the defaults. With fsync=off, initdb does not
	// sync the new cluster to disk either.
	Settings map[string]string
	// Log receives the server's start and failures; nil discards them. The server's own log is DataDir/postgres.log.
	Log *slog.Logger
	// Progress, if set, is called with a short description before each slow step.
	Progress func(string)
}

// Server is a running server. Its methods are safe for concurrent use.
type Server struct {
	port     int
	password string
	logPath  string
	log      *slog.Logger
	lock     io.Closer

	process  *os.Process
	done     chan struct{} // closed once the process has ended
	waitErr  error         // valid once done is closed
	stopping sync.Once
}

// Start creates the cluster if it does not exist and starts the server, which runs until Stop or the end of this
// process. Start returns when the server accepts connections. The context limits only the start.
//
// Start returns a [*VersionError] for the data of another major version, and an [*InUseError] for a directory that
// another process uses.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	d, err := openDir(o.DataDir)
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, o, d)
	if err != nil {
		return nil, errors.Join(err, d.lock.Close())
	}
	return s, nil
}

func start(ctx context.Context, o Options, d *dir) (*Server, error) {
	version, err := d.version()
	if err != nil {
		return nil, err
	}
	in, err := choose(o, d.root, version)
	if err != nil {
		return nil, err
	}
	if err := d.waitUnused(ctx); err != nil {
		return nil, err
	}
	if version == 0 {
		o.Progress("Creating the PostgreSQL database")
		if err := d.initialize(ctx, in, o.Settings["fsync"] != "off"); err != nil {
			return nil, err
		}
	}
	password, err := d.password()
	if err != nil {
		return nil, err
	}
	o.Progress(fmt.Sprintf("Starting PostgreSQL %d", in.Version))
	// Another process may take the free port before the server binds it, so try up to three ports.
	for attempt := 1; ; attempt++ {
		port, err := freePort(ctx, o.Port)
		if err != nil {
			return nil, err
		}
		s := &Server{
			port: port, password: password, logPath: d.logPath(), log: o.Log, lock: d.lock, done: make(chan struct{}),
		}
		err = s.launch(in, d, o.Settings)
		if err == nil {
			err = s.waitReady(ctx)
		}
		if err == nil {
			o.Log.Info("postgresql started", "version", in.Version, "address", s.Addr(), "pid", s.process.Pid)
			return s, nil
		}
		if o.Port != 0 || attempt == 3 || ctx.Err() != nil || !errors.Is(err, errPortTaken) {
			return nil, err
		}
	}
}

// freePort returns a port that is not in use: want, or any port if want is 0.
func freePort(ctx context.Context, want int) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(want)))
	if err != nil {
		return 0, fmt.Errorf("port for PostgreSQL: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// launch starts the server process and a goroutine that waits until the process ends.
func (s *Server) launch(in Installation, d *dir, settings map[string]string) error {
	out, err := d.createLog()
	if err != nil {
		return err
	}
	defer out.Close()
	args := []string{"-D", d.cluster(), "-h", host, "-p", strconv.Itoa(s.port), "-k", ""}
	for name, value := range withDefaults(settings) {
		args = append(args, "-c", name+"="+value)
	}
	cmd := exec.Command(filepath.Join(in.BinDir, "postgres"), args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = d.cluster(), environment(), out, out
	attach(cmd, d.account, syscall.SIGINT)

	started := make(chan error)
	go func() {
		// The kernel stops the server when the thread that started it ends; see attach. So keep this thread until the server
		// has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		s.waitErr = cmd.Wait()
		close(s.done)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.process = cmd.Process
	return nil
}

func withDefaults(settings map[string]string) map[string]string {
	all := map[string]string{
		"timezone": "UTC", "log_timezone": "UTC", "log_checkpoints": "off", "max_connections": "200",
		"shared_buffers": "128MB", "unix_socket_directories": "",
	}
	maps.Copy(all, settings)
	return all
}

// environment returns a minimal environment for the server's programs. It omits variables that would configure
// PostgreSQL.
func environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"SystemRoot", "TEMP", "TMP", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

var errPortTaken = errors.New("port was taken by another process")

// waitReady waits until the server accepts connections. If ctx ends first, it stops the server and returns an error.
func (s *Server) waitReady(ctx context.Context) error {
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			output, err := os.ReadFile(s.logPath)
			if strings.Contains(string(output), "could not bind") {
				return fmt.Errorf("PostgreSQL on port %d: %w", s.port, errPortTaken)
			}
			return errors.Join(fmt.Errorf("PostgreSQL did not start: %s (%s)", failureReason(string(output)), s.logPath), err)
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("PostgreSQL did not become ready: %w", ctx.Err()), s.shutDown(ctx))
		case <-tick.C:
		}
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code == "28P01" {
			return errors.Join(fmt.Errorf("wrong password in %s", filepath.Dir(s.logPath)), s.shutDown(ctx))
		}
	}
}

func (s *Server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// Addr returns the server's address, such as "127.0.0.1:54321".
func (s *Server) Addr() string { return net.JoinHostPort(host, strconv.Itoa(s.port)) }

// URL returns the superuser's connection URL of a database. It contains the password.
func (s *Server) URL(database string) string {
	return s.RoleURL(User, s.password, database)
}

// RoleURL returns the connection URL of a database for a role that CreateRole has created.
func (s *Server) RoleURL(role, password, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(role, password), Host: s.Addr(), Path: "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// CreateRole creates a role that can log in, without privileges. If the role exists, it sets the password.
func (s *Server) CreateRole(ctx context.Context, role, password string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("create role %s: %w", role, err)
	}
	var statement string
	err = conn.QueryRow(ctx, `select format('%s role %I login password %L',
		case when exists (select from pg_roles where rolname = $1) then 'alter' else 'create' end, $1::text, $2::text)`,
		role, password).Scan(&statement)
	if err == nil {
		_, err = conn.Exec(ctx, statement)
	}
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("create role %s: %w", role, err)
	}
	return nil
}

// PID returns the process id of the postmaster.
func (s *Server) PID() int { return s.process.Pid }

// CreateDatabase creates a database if it does not exist.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	_, err = conn.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize())
	var exists *pgconn.PgError
	if errors.As(err, &exists) && (exists.Code == "42P04" || exists.Code == "23505") { // 23505: created at the same time
		err = nil
	}
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// Done returns a channel that is closed when the server has ended.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop shuts the server down, closes its connections and waits until the process has ended. Committed data is kept. If
// ctx ends first, Stop makes the server exit immediately and returns an error; the server then recovers at its next
// start.
func (s *Server) Stop(ctx context.Context) error {
	var err error
	s.stopping.Do(func() { err = errors.Join(s.shutDown(ctx), s.lock.Close()) })
	<-s.done
	return err
}

func (s *Server) shutDown(ctx context.Context) error {
	if err := s.signalAndWait(ctx, syscall.SIGINT); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), killAfter)
	defer cancel()
	if s.signalAndWait(ctx, syscall.SIGQUIT) != nil {
		_ = s.process.Kill() // fails only if the process has ended
		<-s.done
	}
	s.log.Warn("postgresql did not shut down in time and was forced to exit")
	return errors.New("PostgreSQL did not shut down in time and was forced to exit")
}

// signalAndWait sends the signal and waits for the process. It kills the process on systems without signals.
func (s *Server) signalAndWait(ctx context.Context, sig os.Signal) error {
	if err := s.process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		_ = s.process.Kill()
	}
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
