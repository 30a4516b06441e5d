// Package ledger is promotions' door to the ledger of the users service.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sony/gobreaker/v2"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// timeout bounds one credit with all its retries. It is longer than a failover of the ledger's database should take.
const timeout = 5 * time.Second

// Client asks the ledger for credits. Calls are retried within their time, under the same key; after several failures in
// a row a circuit breaker answers DEPENDENCY_UNAVAILABLE at once for a second, so that claims do not pile up behind a
// ledger that is away. It is safe for concurrent use.
type Client struct {
	client  usersv1.LedgerServiceClient
	breaker *gobreaker.CircuitBreaker[*usersv1.AddTransactionResponse]
}

var _ promotions.LedgerClient = (*Client)(nil)

// New returns a client over conn, which retries by itself.
func New(conn grpc.ClientConnInterface, log *slog.Logger) *Client {
	return &Client{
		client: usersv1.NewLedgerServiceClient(conn),
		breaker: gobreaker.NewCircuitBreaker[*usersv1.AddTransactionResponse](gobreaker.Settings{
			Name:        "ledger",
			MaxRequests: 4,
			Timeout:     time.Second,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 10 },
			// A refusal is an answer: only a ledger that cannot be reached, or that breaks, counts as a failure.
			IsSuccessful: func(err error) bool {
				code := apperr.CodeOf(err)
				return code != apperr.DependencyUnavailable && code != apperr.Internal
			},
			// A caller who went away says nothing about the ledger, neither good nor bad.
			IsExcluded: func(err error) bool { return errors.As(err, new(gone)) },
			OnStateChange: func(name string, from, to gobreaker.State) {
				log.Warn("circuit breaker", "name", name, "from", from.String(), "to", to.String())
			},
		}),
	}
}

// gone is the error of a call whose caller went away, or had no time left.
type gone struct{ error }

func (g gone) Unwrap() error { return g.error }

// Credit pays c once for its key.
func (c *Client) Credit(ctx context.Context, credit promotions.Credit) (promotions.Transaction, error) {
	data, err := structpb.NewStruct(credit.AdditionalData)
	if err != nil {
		return promotions.Transaction{}, err
	}
	caller := ctx
	ctx, cancel := context.WithTimeout(caller, timeout)
	defer cancel()
	answer, err := c.breaker.Execute(func() (*usersv1.AddTransactionResponse, error) {
		answer, err := c.client.AddTransaction(ctx, &usersv1.AddTransactionRequest{
			UserId:         credit.UserID.String(),
			Type:           usersv1.TransactionType_CREDIT,
			Amount:         credit.Amount.String(),
			Description:    credit.Description,
			AdditionalData: data,
			IdempotencyKey: credit.Key,
		})
		switch {
		case err == nil:
			return answer, nil
		case caller.Err() != nil:
			return nil, gone{caller.Err()}
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
	tx, err := wire.ToTransaction(answer.GetTransaction())
	if err != nil {
		return promotions.Transaction{}, fmt.Errorf("the ledger's answer: %w", err)
	}
	return tx, nil
}
