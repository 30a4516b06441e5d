package mongo

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/casino-loyalty/loyalty/internal/convert/documents"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
)

// Answers stores the answers to calls with an Idempotency-Key. It is safe for concurrent use.
type Answers struct{ list *mongo.Collection }

// Answers returns the answers in the database of the store.
func (s *Store) Answers() *Answers { return &Answers{s.answers} }

type answerDocument struct {
	ID        documents.UUID `bson:"_id"`
	Request   []byte         `bson:"request"`
	Answer    []byte         `bson:"answer"`
	Existing  bool           `bson:"existing,omitempty"`
	CreatedAt time.Time      `bson:"created_at"`
}

// Find returns the answer with the id. It returns false if there is none.
func (a *Answers) Find(ctx context.Context, id uuid.UUID) (idempotency.Answer, bool, error) {
	var d answerDocument
	err := a.list.FindOne(ctx, bson.D{{Key: "_id", Value: documents.UUID(id)}}).Decode(&d)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return idempotency.Answer{}, false, nil
	}
	found := idempotency.Answer{ID: id, Request: d.Request, Message: d.Answer, Existing: d.Existing}
	return found, err == nil, failure("find an answer", err)
}

// Add stores an answer, unless an answer with the same id is stored. It reports whether it has stored the answer.
func (a *Answers) Add(ctx context.Context, answer idempotency.Answer) (bool, error) {
	_, err := a.list.InsertOne(ctx, answerDocument{
		ID: documents.UUID(answer.ID), Request: answer.Request, Answer: answer.Message, Existing: answer.Existing,
		CreatedAt: time.Now(),
	})
	if mongo.IsDuplicateKeyError(err) {
		return false, nil
	}
	return err == nil, failure("store an answer", err)
}

// Prune deletes the answers that are older than age and returns their number. It may run concurrently.
func (a *Answers) Prune(ctx context.Context, age time.Duration) (deleted int64, err error) {
	old := bson.D{{Key: "created_at", Value: bson.D{{Key: "$lt", Value: time.Now().Add(-age)}}}}
	page := options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}).SetLimit(idempotency.PruneBatch)
	for {
		cursor, err := a.list.Find(ctx, old, page)
		if err != nil {
			return deleted, failure("find old answers", err)
		}
		var found []answerDocument
		if err := cursor.All(ctx, &found); err != nil {
			return deleted, failure("find old answers", err)
		}
		ids := make(bson.A, len(found))
		for i, d := range found {
			ids[i] = d.ID
		}
		result, err := a.list.DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}})
		if err != nil {
			return deleted, failure("delete old answers", err)
		}
		deleted += result.DeletedCount
		if len(found) < idempotency.PruneBatch {
			return deleted, nil
		}
	}
}
