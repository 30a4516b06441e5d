package rpcserver

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/schema/restroute"
)

// Answers stores the answers to calls with an Idempotency-Key.
type Answers interface {
	// Find returns the answer with the id. It returns false if there is none.
	Find(ctx context.Context, id uuid.UUID) (idempotency.Answer, bool, error)
	// Add stores an answer, unless an answer with the same id is stored. It reports whether it has stored the answer.
	Add(ctx context.Context, a idempotency.Answer) (bool, error)
}

// saveTimeout limits how long a call waits for its answer to be stored.
const saveTimeout = 5 * time.Second

// IdempotencyKey returns the value of the header Idempotency-Key. It returns an empty key if the header is missing, and
// VALIDATION_FAILED if it is invalid.
func IdempotencyKey(h http.Header) (string, error) {
	values := h.Values(restroute.HeaderIdempotencyKey)
	if len(values) == 0 {
		return "", nil
	}
	key := strings.TrimSpace(values[0])
	unprintable := func(r rune) bool { return r < ' ' || r > '~' }
	if len(values) > 1 || key == "" || len(key) > limits.IdempotencyKey || strings.ContainsFunc(key, unprintable) {
		return "", apperr.Invalid(restroute.HeaderIdempotencyKey, "header",
			"must be a single value of 1 to %d printable ASCII characters", limits.IdempotencyKey)
	}
	return key, nil
}

// idempotent answers a call with an Idempotency-Key. If an answer of the caller's key is stored, the use case is not called.
// Errors are not stored, so that a call can be repeated with the same key after an outage or a correction.
//
// Public methods limit the calls of a client in the use case. They are looked up after it, so that the limit also applies to
// guesses of the password in a registration of another person who has the same address and key.
func (s *Server) idempotent(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		m := s.methods[req.Spec().Procedure]
		if s.cfg.Answers == nil || m.idempotency != restroute.StoredAnswer {
			return next(ctx, req)
		}
		key, err := IdempotencyKey(req.Header())
		if err != nil || key == "" {
			if err != nil {
				return nil, err
			}
			return next(ctx, req)
		}
		call, err := s.newCall(ctx, m, key, req.Any())
		if err != nil {
			return nil, err
		}
		end, err := s.calls.begin(ctx, call.ID)
		if err != nil {
			return nil, err
		}
		defer end()
		if err := s.compareUpload(ctx, call); err != nil {
			return nil, err
		}
		if !m.access.open {
			if answer, err := s.replay(ctx, m, call); answer != nil || err != nil {
				return answer, err
			}
		}
		caller := limitedCaller(ctx)
		if err := s.quota.take(caller, time.Now()); err != nil {
			return nil, err
		}
		answer, err := next(idempotency.With(ctx, call), req)
		if err != nil && !call.Saved() {
			s.quota.refund(caller)
		}
		switch {
		case err == nil && call.Saved():
			return answer, nil
		case err == nil:
			return s.save(ctx, m, call, answer)
		case call.Saved() && !errors.Is(err, idempotency.ErrRepeated):
			// The effect may be committed, but the use case has failed after it. The client must learn that.
			return nil, err
		case apperr.CodeOf(err) == apperr.RateLimited:
			return nil, err
		}
		// A concurrent call with the same key on another replica may have caused the error. Then its answer is stored.
		return s.replayAfter(ctx, m, call, err)
	}
}

// compareUpload makes the fingerprint of a call include its upload, once the upload is read. If the answer is already
// stored, compareUpload reads the upload to its end.
func (s *Server) compareUpload(ctx context.Context, call *idempotency.Call) error {
	u := uploadFrom(ctx)
	if u == nil {
		return nil
	}
	u.end = func(sum []byte) {
		with := sha256.Sum256(append(slices.Clone([]byte(call.Request)), sum...))
		call.Request = with[:]
	}
	_, known, err := s.cfg.Answers.Find(ctx, call.ID)
	if err == nil && known {
		_, err = io.Copy(io.Discard, u)
	}
	return err
}

// limitedCaller returns the player who makes a call, or uuid.Nil for other callers: registrations are limited in the use
// case, and systems of employees may make many calls.
func limitedCaller(ctx context.Context) uuid.UUID {
	if c, ok := authn.From(ctx); ok && c.Role == authn.RolePlayer {
		return c.UserID
	}
	return uuid.Nil
}

// replayAfter is replay after the use case has failed. It returns the error of the use case if there is no answer. If a
// DELETE fails with NOT_FOUND, a concurrent call may have deleted the object but not yet stored its answer, so replayAfter
// waits a little.
func (s *Server) replayAfter(ctx context.Context, m *method, call *idempotency.Call, err error) (connect.AnyResponse, error) {
	attempts := 1
	if m.deletes() && apperr.CodeOf(err) == apperr.NotFound {
		attempts = 6
	}
	delays := backoff.Policy{Initial: 10 * time.Millisecond, Max: 160 * time.Millisecond}.Delays()
	for {
		if answer, findErr := s.replay(ctx, m, call); answer != nil || findErr != nil {
			return answer, findErr
		}
		if attempts--; attempts == 0 || delays.Sleep(ctx) != nil {
			return nil, err
		}
	}
}

// deletes reports whether the method has a REST route with the verb DELETE.
func (m *method) deletes() bool {
	return slices.ContainsFunc(m.routes, func(r *route) bool { return r.Verb == http.MethodDelete })
}

// calls are the calls in progress with an Idempotency-Key. Calls with the same key run one after the other, so that only the
// first one does the work.
type calls struct {
	mu      sync.Mutex
	running map[uuid.UUID]chan struct{}
}

// begin waits until no call with the id is running. The caller calls end. The error is that of ctx.
func (c *calls) begin(ctx context.Context, id uuid.UUID) (end func(), err error) {
	for {
		c.mu.Lock()
		running := c.running[id]
		if running == nil {
			done := make(chan struct{})
			if c.running == nil {
				c.running = map[uuid.UUID]chan struct{}{}
			}
			c.running[id] = done
			c.mu.Unlock()
			return func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				delete(c.running, id)
				close(done)
			}, nil
		}
		c.mu.Unlock()
		select {
		case <-running:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// newCall returns the call of a caller's key. The caller is the user, or the network of the client in public methods.
func (s *Server) newCall(ctx context.Context, m *method, key string, request any) (*idempotency.Call, error) {
	message, ok := request.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a protobuf message", request)
	}
	caller := "network:" + Network(ClientAddr(ctx)).String()
	if c, ok := authn.From(ctx); ok {
		caller = "user:" + c.UserID.String()
	}
	fingerprint, err := idempotency.FingerprintOf(m.procedure, message, s.cfg.RequestKey)
	return &idempotency.Call{ID: idempotency.ID(caller, key), Request: fingerprint}, err
}

// replay returns the stored answer to a call, or nil if there is none. It returns IDEMPOTENCY_MISMATCH if the key was used
// for another request.
func (s *Server) replay(ctx context.Context, m *method, call *idempotency.Call) (connect.AnyResponse, error) {
	stored, ok, err := s.cfg.Answers.Find(ctx, call.ID)
	if err != nil || !ok {
		return nil, err
	}
	if !stored.Request.Matches(call.Request) {
		return nil, apperr.New(apperr.IdempotencyMismatch, "the Idempotency-Key was used for another request")
	}
	message := dynamicpb.NewMessage(m.desc.Output())
	if err := proto.Unmarshal(stored.Message, message); err != nil {
		return nil, fmt.Errorf("stored answer of %s: %w", m.procedure, err)
	}
	requestInfoFrom(ctx).existing = stored.Existing
	return connect.NewResponse(message), nil
}

// save stores the answer of a use case that has not stored it in its transaction, because its effect is not in the database
// or is the same when the call is repeated. If a concurrent call has stored its answer first, save returns that answer.
func (s *Server) save(
	ctx context.Context, m *method, call *idempotency.Call, answer connect.AnyResponse,
) (connect.AnyResponse, error) {
	message, ok := answer.Any().(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a protobuf message", answer.Any())
	}
	a, err := call.Answer(message)
	if err != nil {
		return nil, err
	}
	a.Existing = requestInfoFrom(ctx).existing
	// A client that has disconnected will repeat the call, so the answer is stored for it, too.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	added, err := s.cfg.Answers.Add(ctx, a)
	if err == nil && !added {
		var first connect.AnyResponse
		if first, err = s.replay(ctx, m, call); first != nil || err != nil {
			return first, err
		}
	}
	return answer, err
}
