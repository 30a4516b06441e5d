// Package idempotency makes repeated calls safe. A client sends the header Idempotency-Key. The answer to the first call
// with a key is stored in the transaction that has the effect of the call, with [Save]. Later calls with the same key get
// the stored answer and have no effect. Package rpcserver looks up the answers; see rpcserver.Config.
//
// The database of the service must contain this table:
//
//	create table idempotency_keys (
//	  id         uuid primary key,
//	  request    bytea not null,
//	  answer     bytea not null,
//	  created_at timestamptz not null,
//	  existing   boolean not null default false
//	);
//	create index on idempotency_keys (created_at);
package idempotency

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// ErrRepeated is returned by [Save] if a call with the same key has already saved its answer. The transaction must be rolled
// back.
var ErrRepeated = errors.New("a call with the same Idempotency-Key has saved its answer")

// Call is a call with an Idempotency-Key.
type Call struct {
	// ID identifies the key of the caller.
	ID uuid.UUID
	// Request is the fingerprint of the procedure and the request.
	Request Fingerprint

	saved atomic.Bool
}

// Answer is the stored answer to a call.
type Answer struct {
	ID      uuid.UUID
	Request Fingerprint
	// Message is the answer as a protobuf message.
	Message []byte
	// Existing is true if the call has created nothing, because what it creates existed before.
	Existing bool
}

// ID returns the id of a caller's key. It does not reveal the caller or the key.
func ID(caller, key string) uuid.UUID {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(caller), caller, key))
	id := uuid.UUID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8: application data
	return id
}

type contextKey struct{}

// With returns a context with the call.
func With(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, contextKey{}, c)
}

// Saved reports whether Save has stored an answer for the call. The transaction of Save may have been rolled back.
func (c *Call) Saved() bool { return c.saved.Load() }

// Answer returns an answer to the call.
func (c *Call) Answer(message proto.Message) (Answer, error) {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	return Answer{ID: c.ID, Request: c.Request, Message: encoded}, err
}

// Save stores the answer to the call of ctx in the transaction tx, which has the effect of the call. The answer must not be
// one of something that existed before; package rpcserver stores such an answer, because the call has no effect. Save does
// nothing if the call has no Idempotency-Key. If a concurrent call with the same key has saved its answer, Save waits for
// the end of its transaction, and returns ErrRepeated if it is committed.
func Save(ctx context.Context, tx postgres.Execer, answer proto.Message) error {
	call, ok := ctx.Value(contextKey{}).(*Call)
	if !ok {
		return nil
	}
	a, err := call.Answer(answer)
	if err != nil {
		return err
	}
	added, err := add(ctx, tx, a)
	if err != nil {
		return err
	}
	if !added {
		return ErrRepeated
	}
	call.saved.Store(true)
	return nil
}
