package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// NATS is an in-process NATS server with JetStream. It flushes each message to disk before it acknowledges the message to
// the publisher, so acknowledged messages survive a crash of the machine. It writes the progress of consumers up to 0.1 s
// later. After kill -9 it delivers the messages again that consumers acknowledged in the last 0.1 s.
type NATS struct {
	server *server.Server
}

// StartNATS starts the server on a free port and returns once clients can connect. It loads the data in dir, or creates the
// directory. Clients must authenticate as Username with the password.
func StartNATS(ctx context.Context, dir, password string, log *slog.Logger) (*NATS, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "loyalty-dev",
		Host:       "127.0.0.1",
		Port:       server.RANDOM_PORT,
		JetStream:  true,
		StoreDir:   dir,
		Username:   Username,
		Password:   password,
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

// ready waits until the server accepts connections. It returns the error from fatal if the start fails.
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

// URL returns the URL for clients, without credentials.
func (n *NATS) URL() string { return n.server.ClientURL() }

// Close writes all data and stops the server.
func (n *NATS) Close() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
}

// natsLog forwards the warnings and errors of the server to log. It sends fatal messages to the channel fatal, because the
// server reports the cause of a failed start only in a fatal message.
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
	default: // keep the first message
	}
}
