// Package ledger implements the client of the ledger, which the users service provides.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/sony/gobreaker/v2"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// timeout is the timeout of one credit, including its retries. It must be longer than the expected failover time of the
// ledger's database.
const timeout = 5 * time.Second

// Client calls the ledger. Its connection retries a failed call with the same key. After ten consecutive failures a circuit
// breaker opens. While it is open, for one second, calls fail at once with DEPENDENCY_UNAVAILABLE. Client is safe for
// concurrent use.
type Client struct {
	client  usersv1.LedgerServiceClient
	breaker *gobreaker.CircuitBreaker[*usersv1.AddTransactionResponse]
}

var (
	_ promotions.LedgerClient = (*Client)(nil)
	_ promotions.EntryReader  = (*Client)(nil)
)

// New returns a client that uses conn. The connection must retry failed calls; see [rpcserver.DialInternal].
func New(conn grpc.ClientConnInterface, log *slog.Logger) *Client {
	return &Client{
		client: usersv1.NewLedgerServiceClient(conn),
		breaker: gobreaker.NewCircuitBreaker[*usersv1.AddTransactionResponse](gobreaker.Settings{
			Name:        "ledger",
			MaxRequests: 4,
			Timeout:     time.Second,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 10 },
			// A refused credit is not a failure of the ledger.
			IsSuccessful: func(err error) bool {
				code := apperr.CodeOf(err)
				return code != apperr.DependencyUnavailable && code != apperr.Internal
			},
			// A cancelled call counts neither as a success nor as a failure.
			IsExcluded: func(err error) bool { return errors.As(err, new(canceledError)) },
			OnStateChange: func(name string, from, to gobreaker.State) {
				log.Warn("circuit breaker changed state", "name", name, "from", from.String(), "to", to.String())
			},
		}),
	}
}

// BreakerStates returns the possible states of the circuit breaker.
func BreakerStates() []string {
	return []string{gobreaker.StateClosed.String(), gobreaker.StateHalfOpen.String(), gobreaker.StateOpen.String()}
}

// BreakerState returns the current state of the circuit breaker.
func (c *Client) BreakerState() string { return c.breaker.State().String() }

// canceledError wraps the error of the caller's context if it ended during the call.
type canceledError struct{ error }

func (e canceledError) Unwrap() error { return e.error }

// Credit requests a credit from the ledger and returns the transaction. It fails with DEPENDENCY_UNAVAILABLE if the ledger
// cannot be reached, with the ledger's error if the ledger refuses the credit, and with the error of ctx if ctx ends. After
// DEPENDENCY_UNAVAILABLE and after the end of ctx, the credit may have been added; a retry with the same key is safe.
func (c *Client) Credit(ctx context.Context, credit promotions.Credit) (promotions.Transaction, error) {
	data, err := structpb.NewStruct(credit.AdditionalData)
	if err != nil {
		return promotions.Transaction{}, err
	}
	caller := ctx
	ctx, cancel := context.WithTimeout(caller, timeout)
	defer cancel()
	response, err := c.breaker.Execute(func() (*usersv1.AddTransactionResponse, error) {
		response, err := c.client.AddTransaction(ctx, &usersv1.AddTransactionRequest{
			UserId:         credit.UserID.String(),
			Type:           usersv1.TransactionType_CREDIT,
			Amount:         credit.Amount.String(),
			Description:    credit.Description,
			AdditionalData: data,
			IdempotencyKey: credit.Key,
			Purpose:        usersv1.TransactionPurpose_PROMOTION,
			NotAfter:       fields.Time(credit.NotAfter),
		})
		switch {
		case err == nil:
			return response, nil
		case caller.Err() != nil:
			return nil, canceledError{caller.Err()}
		}
		return nil, rpcserver.FromStatus(err)
	})
	switch {
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		return promotions.Transaction{}, (&apperr.Error{
			Code: apperr.DependencyUnavailable, Detail: "the ledger cannot be reached", RetryAfter: time.Second,
		}).WithCause(err)
	case err != nil:
		return promotions.Transaction{}, err
	}
	return toTransaction(response.GetTransaction())
}

// Transaction returns the player's transaction with the idempotency key. It fails with NOT_FOUND if there is none, and with
// DEPENDENCY_UNAVAILABLE if the ledger cannot be reached. It does not use the circuit breaker: its caller is a consumer,
// which waits between its attempts.
func (c *Client) Transaction(ctx context.Context, player uuid.UUID, key string) (promotions.Transaction, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return c.transaction(ctx, &usersv1.GetTransactionRequest{UserId: player.String(), IdempotencyKey: key})
}

// Settled returns the player's transaction with the key. NOT_FOUND is final for credits with the time limit notAfter. It
// fails with DEPENDENCY_UNAVAILABLE if the credit can still be added, or if the ledger cannot be reached.
func (c *Client) Settled(ctx context.Context, player uuid.UUID, key string, notAfter time.Time) (promotions.Transaction, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return c.transaction(ctx, &usersv1.GetTransactionRequest{
		UserId: player.String(), IdempotencyKey: key, NotAfter: fields.Time(notAfter),
	})
}

func (c *Client) transaction(ctx context.Context, r *usersv1.GetTransactionRequest) (promotions.Transaction, error) {
	response, err := c.client.GetTransaction(ctx, r)
	if err != nil {
		return promotions.Transaction{}, rpcserver.FromStatus(err)
	}
	return toTransaction(response.GetTransaction())
}

func toTransaction(m *usersv1.Transaction) (promotions.Transaction, error) {
	tx, err := wire.ToTransaction(m)
	if err != nil {
		return promotions.Transaction{}, fmt.Errorf("read the ledger's response: %w", err)
	}
	return tx, nil
}
