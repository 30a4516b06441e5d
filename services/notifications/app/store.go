package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	basepostgres "github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/mongo"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/postgres"
)

// Kind is where notifications are kept.
type Kind string

// The kinds.
const (
	MongoDB    Kind = "mongodb"
	PostgreSQL Kind = "postgres"
)

// StoreConfig says where notifications are kept.
type StoreConfig struct {
	// Kind is the kind of the store.
	Kind Kind
	// URL is where it is: mongodb://… with a replica set in production, or postgres://… of the service's own, migrated
	// database.
	URL string
	// Database is the name of MongoDB's database; empty is "loyalty".
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

// Entry is one stored notification as an audit sees it.
type Entry = notifications.Entry

// Store is an opened store, for the service and for audits.
type Store interface {
	notifications.Store
	notifications.Auditor
	// Ping returns nil when the store answers.
	Ping(ctx context.Context) error
	// Close releases the connections; it waits for what is under way until ctx ends.
	Close(ctx context.Context) error
}

const openTimeout = 30 * time.Second

// OpenStore connects to a store. The caller closes it.
func OpenStore(ctx context.Context, c StoreConfig) (Store, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Kind == MongoDB {
		return mongo.Open(ctx, c.URL, mongo.Options{Database: c.Database, AppName: "notifications"})
	}
	pool, err := basepostgres.Open(ctx, c.URL, basepostgres.Options{ApplicationName: "notifications", Wait: openTimeout})
	if err != nil {
		return nil, err
	}
	return pooled{postgres.New(pool), pool.Close}, nil
}

// pooled is the PostgreSQL store with a pool of its own.
type pooled struct {
	*postgres.Store
	close func()
}

// Close implements Store. The pool waits for what is under way by itself.
func (p pooled) Close(context.Context) error {
	p.close()
	return nil
}
