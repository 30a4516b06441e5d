package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/idempotency"
	basepostgres "github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/mongo"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/postgres"
)

// Kind is the kind of database that stores notifications.
type Kind string

// The kinds.
const (
	MongoDB    Kind = "mongodb"
	PostgreSQL Kind = "postgres"
)

// StoreConfig configures the store.
type StoreConfig struct {
	// Kind is the kind of database.
	Kind Kind
	// URL is the URL of the database: mongodb://… or postgres://…. In production, MongoDB must be a replica set. A PostgreSQL
	// database must be migrated and used only by this service.
	URL string
	// Database is the name of MongoDB's database; empty means the database in URL, or else "loyalty".
	Database string
}

func (c StoreConfig) validate() error {
	switch {
	case c.Kind != MongoDB && c.Kind != PostgreSQL:
		return fmt.Errorf("notifications: Store.Kind is neither %q nor %q", MongoDB, PostgreSQL)
	case c.URL == "":
		return errors.New("notifications: Store.URL is not set")
	}
	return nil
}

// Entry is the part of a stored notification that an audit checks.
type Entry = notifications.Entry

// Store is an open store, for the service and for audits.
type Store interface {
	notifications.Store
	notifications.Auditor
	// Answers stores the answers to calls with an Idempotency-Key.
	Answers() Answers
	// Ping returns nil if the store answers.
	Ping(ctx context.Context) error
	// Close closes the connections. It waits for running operations until ctx ends.
	Close(ctx context.Context) error
}

// Answers stores the answers to calls with an Idempotency-Key.
type Answers interface {
	rpcserver.Answers
	idempotency.Pruner
}

// OpenStore connects to a store. The caller closes it. log receives the SQL of the PostgreSQL store at the debug level; nil
// discards it. OpenStore returns a readiness.UnreachableError if the store cannot be reached.
func OpenStore(ctx context.Context, c StoreConfig, log *slog.Logger) (Store, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Kind == MongoDB {
		s, err := mongo.Open(ctx, c.URL, mongo.Options{Database: c.Database, AppName: "notifications"})
		if err != nil {
			return nil, err
		}
		return documents{s}, nil
	}
	pool, err := basepostgres.Open(ctx, c.URL, basepostgres.Options{ApplicationName: "notifications", Log: log})
	if err != nil {
		return nil, err
	}
	return pooled{postgres.New(pool), pool}, nil
}

// pooled is the PostgreSQL store with its connection pool.
type pooled struct {
	*postgres.Store
	pool *pgxpool.Pool
}

// Answers implements Store.
func (p pooled) Answers() Answers { return idempotency.NewStore(p.pool) }

// Close implements Store. The pool waits for running operations.
func (p pooled) Close(context.Context) error {
	p.pool.Close()
	return nil
}

// documents is the MongoDB store.
type documents struct{ *mongo.Store }

// Answers implements Store.
func (d documents) Answers() Answers { return d.Store.Answers() }
