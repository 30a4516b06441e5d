// Package mongo stores notifications in MongoDB, one document per notification, in the collection "notifications".
//
// The store needs no transactions. One unique index allows one notification per event. Another allows each sequence
// number once per player. Add uses the last number plus one and retries after a conflict. Writes are replicated in the
// order of the oplog, so a number that survives a failover has no gap before it. Writes wait for a majority, and reads
// from the primary use majority concern, so no result can be rolled back.
package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/description"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/readiness"
)

const (
	defaultDatabase   = "loyalty"
	collectionName    = "notifications"
	answersCollection = "idempotency_keys"
	selectTimeout     = 5 * time.Second
)

// Options configures a store; the zero value is the default.
type Options struct {
	// Database is the name of the database; empty means the database in the URL, or else "loyalty".
	Database string
	// AppName identifies this client in the server's log and profiler.
	AppName string
	// MaxPoolSize is the maximum number of connections to each server; 0 means 32.
	MaxPoolSize uint64
}

// Store implements notifications.Store and Auditor. It is safe for concurrent use.
type Store struct {
	client *mongo.Client
	// list reads and writes with majority concern.
	list *mongo.Collection
	// newest reads with local concern. Add uses it to find the next sequence number.
	newest *mongo.Collection
	// answers are the answers to calls with an Idempotency-Key.
	answers *mongo.Collection
}

// Open connects to a server or a replica set and creates missing indexes. The URL starts with mongodb:// or
// mongodb+srv://. Open returns a readiness.UnreachableError if there is no primary that can be reached. Errors do not
// contain the URL.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	s, err := connect(url, o)
	if err != nil {
		return nil, err
	}
	if err := s.createIndexes(ctx); err != nil {
		_ = s.client.Disconnect(context.WithoutCancel(ctx)) // err is the cause
		wrapped := fmt.Errorf("mongodb: create indexes: %w", err)
		if unavailable(err) && !refusedTLS(err) {
			return nil, &readiness.UnreachableError{Dependency: readiness.Database, Err: wrapped}
		}
		return nil, wrapped
	}
	return s, nil
}

// connect returns a store whose client connects in the background. It creates no indexes.
func connect(url string, o Options) (*Store, error) {
	config := options.Client().
		SetAppName(o.AppName).
		SetServerSelectionTimeout(selectTimeout).
		SetMaxPoolSize(cmp.Or(o.MaxPoolSize, 32)).
		ApplyURI(url). // overrides the options above, but not the options below
		SetWriteConcern(writeconcern.Majority()).
		SetReadConcern(readconcern.Majority()).
		SetReadPreference(readpref.Primary())
	if config.Validate() != nil {
		return nil, errors.New("mongodb: the connection URL is malformed") // the driver's error may contain the URL
	}
	client, err := mongo.Connect(config)
	if err != nil {
		return nil, errors.New("mongodb: the connection cannot be configured")
	}
	database := client.Database(cmp.Or(o.Database, databaseIn(url), defaultDatabase))
	return &Store{
		client:  client,
		list:    database.Collection(collectionName),
		newest:  database.Collection(collectionName, options.Collection().SetReadConcern(readconcern.Local())),
		answers: database.Collection(answersCollection),
	}, nil
}

// databaseIn returns the name of the database in a well-formed URL, or "" if the URL has none.
func databaseIn(url string) string {
	_, hosts, _ := strings.Cut(url, "://")
	hosts, _, _ = strings.Cut(hosts, "?")
	_, name, _ := strings.Cut(hosts, "/")
	return name
}

// index is an index of the collection.
type index struct {
	name   string
	fields []string
	unique bool
}

// indexes returns the indexes of the collection of notifications.
func indexes() []index {
	return []index{
		{name: "event_id", fields: []string{"event_id"}, unique: true},
		{name: "user_id_seq", fields: []string{"user_id", "seq"}, unique: true},
		// for the unread count and the filtered lists
		{name: "user_id_read_seq", fields: []string{"user_id", "read", "seq"}},
	}
}

// createIndexes creates the missing indexes, one after the other.
func (s *Store) createIndexes(ctx context.Context) error {
	for _, i := range indexes() {
		var keys bson.D
		for _, f := range i.fields {
			keys = append(keys, bson.E{Key: f, Value: 1})
		}
		o := options.Index().SetName(i.name)
		if i.unique {
			o.SetUnique(true)
		}
		if _, err := s.list.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: keys, Options: o}); err != nil {
			return err
		}
	}
	_, err := s.answers.Indexes().CreateOne(ctx, mongo.IndexModel{
		Keys: bson.D{{Key: "created_at", Value: 1}}, Options: options.Index().SetName("created_at"),
	})
	return err
}

// Ping returns nil if the primary answers.
func (s *Store) Ping(ctx context.Context) error {
	return failure("ping", s.client.Ping(ctx, readpref.Primary()))
}

// Close closes the connections. It waits for running operations until ctx ends.
func (s *Store) Close(ctx context.Context) error { return s.client.Disconnect(ctx) }

// failure wraps an error of the driver. The error has the code DEPENDENCY_UNAVAILABLE if a retry may succeed.
func failure(operation string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("mongodb: %s: %w", operation, err)
	case unavailable(err):
		return apperr.New(apperr.DependencyUnavailable, "the notification store cannot be reached").
			WithCause(fmt.Errorf("mongodb: %s: %w", operation, err))
	}
	return fmt.Errorf("mongodb: %s: %w", operation, err)
}

// unavailable reports whether no server could be reached or can serve for now.
func unavailable(err error) bool {
	return mongo.IsTimeout(err) || mongo.IsNetworkError(err) || errors.Is(err, mongo.ErrClientDisconnected) || transient(err)
}

// refusedTLS reports whether no server could be selected because a certificate was refused.
func refusedTLS(err error) bool {
	var selection topology.ServerSelectionError
	if !errors.As(err, &selection) {
		return readiness.RefusedTLS(err)
	}
	return slices.ContainsFunc(selection.Desc.Servers, func(s description.Server) bool {
		return readiness.RefusedTLS(s.LastError)
	})
}

// transient reports whether the server is temporarily unable to serve. For example, the server is stepping down or
// shutting down, or it lacks a majority.
func transient(err error) bool {
	var labelled mongo.LabeledError
	if errors.As(err, &labelled) &&
		(labelled.HasErrorLabel("RetryableWriteError") || labelled.HasErrorLabel("TransientTransactionError")) {
		return true
	}
	var server mongo.ServerError
	if !errors.As(err, &server) {
		return false
	}
	return slices.ContainsFunc([]int{64, 91, 100, 189, 10107, 11600, 11602, 13435, 13436}, server.HasErrorCode)
}
