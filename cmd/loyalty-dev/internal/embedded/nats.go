package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// NATS is an in-process NATS server with JetStream. Each message is flushed to its directory before it is acknowledged,
// so what was acknowledged survives even a crash of the machine. A consumer's progress is written within a tenth of a
// second: after kill -9 it is delivered again what it had acknowledged last.
type NATS struct {
	server *server.Server
}

// StartNATS loads dir, which may be missing, and listens on a free port. It returns once clients can connect.
func StartNATS(ctx context.Context, dir string, log *slog.Logger) (*NATS, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "loyalty-dev",
		Host:       "127.0.0.1",
		Port:       server.RANDOM_PORT,
		JetStream:  true,
		StoreDir:   dir,
		SyncAlways: true,
		NoSigs:     true,
		MaxPayload: 8 << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	fatal := make(chan error, 1)
	s.SetLoggerV2(natsLog{log, fatal}, false, false, false)
	s.Start()
	n := &NATS{s}
	if err := n.ready(ctx, fatal); err != nil {
		n.Close()
		return nil, fmt.Errorf("nats: %w", err)
	}
	return n, nil
}

// ready waits until the server takes connections.
func (n *NATS) ready(ctx context.Context, fatal <-chan error) error {
	for !n.server.ReadyForConnections(20 * time.Millisecond) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-fatal:
			return err
		default:
		}
	}
	return nil
}

// URL is where clients connect.
func (n *NATS) URL() string { return n.server.ClientURL() }

// Close stops it once all is on disk.
func (n *NATS) Close() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
}

// natsLog passes on warnings and errors; the server's notices tell of its start at length. What the server cannot start
// without, it reports as fatal and nowhere else.
type natsLog struct {
	log   *slog.Logger
	fatal chan<- error
}

func (l natsLog) Noticef(string, ...any) {}
func (l natsLog) Debugf(string, ...any)  {}
func (l natsLog) Tracef(string, ...any)  {}

func (l natsLog) Warnf(format string, args ...any) {
	l.log.Warn(fmt.Sprintf(format, args...), "server", "nats")
}

func (l natsLog) Errorf(format string, args ...any) {
	l.log.Error(fmt.Sprintf(format, args...), "server", "nats")
}

func (l natsLog) Fatalf(format string, args ...any) {
	select {
	case l.fatal <- fmt.Errorf(format, args...):
	default: // the first reason is the one to tell
	}
}
