package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/datadir"
	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/embedded"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
	"github.com/casino-loyalty/loyalty/internal/pgserver"
)

// servers are the running embedded servers.
type servers struct {
	postgres *pgserver.Server
	redis    *embedded.Redis
	kafka    *embedded.Kafka // nil if the bus is NATS
	nats     *embedded.NATS  // nil if the bus is Kafka
	password string          // of Redis, Kafka, NATS and the roles of the services
}

// databases lists the names of the databases, one per service. Each service connects with a role of the same name.
var databases = []string{"users", "promotions", "notifications"}

// databaseURL returns the URL of a service's database, with the role of the service.
func (s *servers) databaseURL(service string) string {
	return s.postgres.RoleURL(service, s.password, service)
}

// startServers starts all servers concurrently and registers each with the group. It returns once all servers run, or an
// error if one of them does not start.
func startServers(
	ctx context.Context, g *lifecycle.Group, dir *datadir.Dir, bus string, p *progress, log *slog.Logger,
) (*servers, error) {
	password, err := dir.ServerPassword()
	if err != nil {
		return nil, err
	}
	s := &servers{password: password}
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
			return errors.New("the PostgreSQL server ended")
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
		if err := s.postgres.CreateRole(ctx, name, s.password); err != nil {
			return err
		}
	}
	p.sayf("PostgreSQL is ready")
	return nil
}

func (s *servers) startRedis(g *lifecycle.Group, p *progress) (err error) {
	if s.redis, err = embedded.StartRedis(s.password); err != nil {
		return err
	}
	g.OnStop("Redis", func(context.Context) error { s.redis.Close(); return nil })
	p.sayf("Redis is ready")
	return nil
}

func (s *servers) startKafka(g *lifecycle.Group, dir *datadir.Dir, p *progress, log *slog.Logger) (err error) {
	if s.kafka, err = embedded.StartKafka(dir.Path("kafka"), s.password, log); err != nil {
		return err
	}
	g.OnStop("Kafka", func(context.Context) error { s.kafka.Close(); return nil })
	p.sayf("Kafka is ready")
	return nil
}

func (s *servers) startNATS(
	ctx context.Context, g *lifecycle.Group, dir *datadir.Dir, p *progress, log *slog.Logger,
) (err error) {
	if s.nats, err = embedded.StartNATS(ctx, dir.Path("nats"), s.password, log); err != nil {
		return err
	}
	g.OnStop("NATS", func(context.Context) error { s.nats.Close(); return nil })
	p.sayf("NATS is ready")
	return nil
}

// natsURL returns the URL of NATS with the credentials.
func (s *servers) natsURL() string {
	return strings.Replace(s.nats.URL(), "nats://", "nats://"+embedded.Username+":"+s.password+"@", 1)
}

const (
	// shutdownTimeout is the total shutdown budget.
	shutdownTimeout = 4500 * time.Millisecond
	// busGrace is the time that running event handlers get to finish. It is part of shutdownTimeout.
	busGrace = 750 * time.Millisecond
)
