package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/lmittmann/tint"
	"golang.org/x/term"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/datadir"
	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/demo"
	"github.com/casino-loyalty/loyalty/internal/diagnostics"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
)

// newLogger returns a logger that writes lines for people, with colors if stderr is a terminal.
func newLogger(stderr io.Writer, level slog.Level) *slog.Logger {
	file, ok := stderr.(*os.File)
	return slog.New(tint.NewTextHandler(stderr, &tint.Options{
		Level: level, TimeFormat: "15:04:05.000", NoColor: !ok || !term.IsTerminal(int(file.Fd())),
	}))
}

// start runs the platform until ctx ends or a part fails. It returns the failure and the errors of the stop.
func start(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	log := newLogger(stderr, o.logLevel)
	p := newProgress(stdout)

	front, dir, err := openPortAndDir(ctx, o, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	diagnosticsServer, err := diagnostics.Listen(o.diagnostics, log)
	if err != nil {
		return errors.Join(listenError(o.diagnostics, "--diagnostics", err), front.close(ctx))
	}
	defer diagnosticsServer.Close()
	admin, err := dir.CompleteAdmin(o.admin)
	if err != nil {
		return errors.Join(err, front.close(ctx))
	}
	p.sayf("Starting on %s, data in %s", front.address, dir.Path())

	ctx, release := withParent(ctx)
	defer release()
	g := lifecycle.New(ctx)
	handler, err := assemble(g, dir, o, front.address, diagnosticsServer, admin, p, log)
	g.Go("HTTP", front.run)
	switch {
	case err == nil:
		front.setHandler(handler)
		if err := fill(g.Context(), o, front.address, admin); err != nil {
			g.Fail(err)
		}
		if g.Context().Err() == nil {
			p.sayf("Ready")
			p.show(banner(front.address, diagnosticsServer.Addr(), dir, admin, o.demo))
		}
		err = g.Wait()
		p.sayf("Stopping")
	case ctx.Err() != nil:
		err = nil // interrupted during the start: the interruption caused the error
	case g.Context().Err() != nil:
		err = errors.Join(g.Wait(), err) // a part failed during the start; its error is the cause
	}
	if err = errors.Join(err, stop(ctx, g)); err == nil {
		p.sayf("Stopped")
	}
	return err
}

// stop stops all parts within the shutdown timeout.
func stop(ctx context.Context, g *lifecycle.Group) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	return g.Stop(ctx)
}

// openPortAndDir opens the port, then locks the data directory. The port comes first, so that no directory is created if the
// port is in use.
func openPortAndDir(ctx context.Context, o options, log *slog.Logger) (*front, *datadir.Dir, error) {
	front, err := openFront(o.addr, log)
	if err != nil {
		return nil, nil, err
	}
	dir, err := datadir.Open(o.data)
	if err != nil {
		return nil, nil, errors.Join(err, front.close(ctx))
	}
	return front, dir, nil
}

// fill creates the demo data if --demo is set.
func fill(ctx context.Context, o options, address string, admin datadir.Admin) error {
	if !o.demo {
		return nil
	}
	if err := demo.Fill(ctx, "http://"+browsable(address), admin.Email, admin.Password); err != nil {
		return fmt.Errorf("create the demo data: %w", err)
	}
	return nil
}
