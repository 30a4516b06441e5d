// Package mongo keeps notifications in MongoDB: one document for each, in the collection "notifications".
//
// No transaction is needed. Two unique indexes keep the two promises: one notification for an event, and no number
// twice for a player. A number is the last one plus one, and who loses the race for it tries again; the oplog's order
// then means that no number survives a failover without the ones before it. Writes are acknowledged by a majority and
// reads ask for what a majority has, from the primary, so that nothing that was answered can be rolled back.
package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

const (
	defaultDatabase = "loyalty"
	collectionName  = "notifications"
	selectTimeout   = 5 * time.Second
)

// Options tunes a store; the zero value is sane.
type Options struct {
	// Database is the database's name; empty is "loyalty".
	Database string
	// AppName is what the server's log and profiler show.
	AppName string
	// MaxPoolSize bounds the connections to each server; 0 is 32.
	MaxPoolSize uint64
}

// Store is a notifications.Store and Auditor. It is safe for concurrent use.
type Store struct {
	client *mongo.Client
	// list reads and writes with majority concern.
	list *mongo.Collection
	// newest reads the primary's own state, to find the next number.
	newest *mongo.Collection
}

// Open connects to the server or replica set of a mongodb:// or mongodb+srv:// URL and makes the indexes that are
// missing. No error holds the URL.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	config := options.Client().
		SetAppName(o.AppName).
		SetServerSelectionTimeout(selectTimeout).
		SetMaxPoolSize(cmp.Or(o.MaxPoolSize, 32)).
		ApplyURI(url). // may tune what is above, not what is below
		SetWriteConcern(writeconcern.Majority()).
		SetReadConcern(readconcern.Majority()).
		SetReadPreference(readpref.Primary())
	if config.Validate() != nil {
		return nil, errors.New("mongodb: the connection URL is malformed") // the error may quote it
	}
	client, err := mongo.Connect(config)
	if err != nil {
		return nil, errors.New("mongodb: the connection cannot be configured")
	}
	database := client.Database(cmp.Or(o.Database, defaultDatabase))
	s := &Store{
		client: client,
		list:   database.Collection(collectionName),
		newest: database.Collection(collectionName, options.Collection().SetReadConcern(readconcern.Local())),
	}
	if err := s.createIndexes(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("mongodb: create indexes: %w", err), client.Disconnect(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// createIndexes makes the indexes unless they exist, one after the other.
func (s *Store) createIndexes(ctx context.Context) error {
	for _, index := range []mongo.IndexModel{
		{
			Keys:    bson.D{{Key: "event_id", Value: 1}},
			Options: options.Index().SetName("event_id").SetUnique(true),
		},
		{
			Keys:    bson.D{{Key: "user_id", Value: 1}, {Key: "seq", Value: 1}},
			Options: options.Index().SetName("user_id_seq").SetUnique(true),
		},
		{ // answers the unread count and the filtered lists
			Keys:    bson.D{{Key: "user_id", Value: 1}, {Key: "read", Value: 1}, {Key: "seq", Value: 1}},
			Options: options.Index().SetName("user_id_read_seq"),
		},
	} {
		if _, err := s.list.Indexes().CreateOne(ctx, index); err != nil {
			return err
		}
	}
	return nil
}

// Ping returns nil when the primary answers.
func (s *Store) Ping(ctx context.Context) error {
	return failure("ping", s.client.Ping(ctx, readpref.Primary()))
}

// Close releases the connections, waiting for what is under way until ctx ends.
func (s *Store) Close(ctx context.Context) error { return s.client.Disconnect(ctx) }

// failure wraps an error of the driver: DEPENDENCY_UNAVAILABLE where the same may succeed later.
func failure(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("mongodb: %s: %w", doing, err)
	case mongo.IsTimeout(err), mongo.IsNetworkError(err), errors.Is(err, mongo.ErrClientDisconnected), transient(err):
		return apperr.New(apperr.DependencyUnavailable, "notifications cannot be reached right now").
			WithCause(fmt.Errorf("mongodb: %s: %w", doing, err))
	}
	return fmt.Errorf("mongodb: %s: %w", doing, err)
}

// transient reports whether the server says that it cannot serve now: it steps down, starts, or lacks a majority.
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
