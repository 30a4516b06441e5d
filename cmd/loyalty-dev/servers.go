package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/datadir"
	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/embedded"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
	"github.com/casino-loyalty/loyalty/internal/pgserver"
)

// servers are the embedded servers, running.
type servers struct {
	postgres *pgserver.Server
	redis    *embedded.Redis
	// One of the two.
	kafka *embedded.Kafka
	nats  *embedded.NATS
}

// databases are the services' own, one each.
var databases = []string{"users", "promotions", "notifications"}

// startServers starts all servers at once, hands each to the group when it runs, and returns when the last one does.
func startServers(
	ctx context.Context, g *lifecycle.Group, dir *datadir.Dir, bus string, p *progress, log *slog.Logger,
) (*servers, error) {
	s := new(servers)
	starts, ctx := errgroup.WithContext(ctx)
	starts.Go(func() error { return s.startPostgres(ctx, g, dir, p, log) })
	starts.Go(func() error { return s.startRedis(g, p) })
	switch bus {
	case busKafka:
		starts.Go(func() error { return s.startKafka(g, dir, p, log) })
	case busNATS:
		starts.Go(func() error { return s.startNATS(ctx, g, dir, p, log) })
	}
	return s, starts.Wait()
}

func (s *servers) startPostgres(
	ctx context.Context, g *lifecycle.Group, dir *datadir.Dir, p *progress, log *slog.Logger,
) (err error) {
	s.postgres, err = embedded.StartPostgres(ctx, embedded.PostgresOptions{
		DataDir:  dir.Path("postgres"),
		FetchDir: dir.Path("postgres-bin"),
		Log:      log,
		Progress: func(step string) { p.sayf("%s", step) },
	})
	if err != nil {
		return err
	}
	g.Go("PostgreSQL", func(ctx context.Context) error {
		select {
		case <-s.postgres.Done():
			return errors.New("the server ended")
		case <-ctx.Done():
		}
		finish, cancel := lifecycle.Finish(ctx)
		defer cancel()
		return s.postgres.Stop(finish)
	})
	for _, name := range databases {
		if err := s.postgres.CreateDatabase(ctx, name); err != nil {
			return err
		}
	}
	p.sayf("PostgreSQL is ready")
	return nil
}

func (s *servers) startRedis(g *lifecycle.Group, p *progress) (err error) {
	if s.redis, err = embedded.StartRedis(); err != nil {
		return err
	}
	g.OnStop("Redis", func(context.Context) error { s.redis.Close(); return nil })
	p.sayf("Redis is ready")
	return nil
}

func (s *servers) startKafka(g *lifecycle.Group, dir *datadir.Dir, p *progress, log *slog.Logger) (err error) {
	if s.kafka, err = embedded.StartKafka(dir.Path("kafka"), log); err != nil {
		return err
	}
	g.OnStop("Kafka", func(context.Context) error { s.kafka.Close(); return nil })
	p.sayf("Kafka is ready")
	return nil
}

func (s *servers) startNATS(
	ctx context.Context, g *lifecycle.Group, dir *datadir.Dir, p *progress, log *slog.Logger,
) (err error) {
	if s.nats, err = embedded.StartNATS(ctx, dir.Path("nats"), log); err != nil {
		return err
	}
	g.OnStop("NATS", func(context.Context) error { s.nats.Close(); return nil })
	p.sayf("NATS is ready")
	return nil
}

// What a stop may take in all, and within that a handler of the bus.
const (
	stopAll = 4500 * time.Millisecond
	stopBus = 750 * time.Millisecond
)
