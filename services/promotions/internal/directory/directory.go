// Package directory implements the client of the directory of players, which the users service provides.
package directory

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// timeout is the timeout of one call, including its retries.
const timeout = 5 * time.Second

// Client finds players. It is safe for concurrent use.
type Client struct {
	client usersv1.DirectoryServiceClient
}

var _ promotions.Directory = (*Client)(nil)

// New returns a client that uses conn. The connection must retry failed calls; see rpcserver.DialInternal.
func New(conn grpc.ClientConnInterface) *Client {
	return &Client{usersv1.NewDirectoryServiceClient(conn)}
}

// FindPlayers returns the ids of the players with the given e-mails, by e-mail. It fails with DEPENDENCY_UNAVAILABLE if the
// users service cannot be reached.
func (c *Client) FindPlayers(ctx context.Context, emails []string) (map[string]uuid.UUID, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	res, err := c.client.FindPlayers(ctx, &usersv1.FindPlayersRequest{Emails: emails})
	if err != nil {
		return nil, apperr.New(apperr.DependencyUnavailable, "players cannot be found by e-mail").WithCause(err)
	}
	found := make(map[string]uuid.UUID, len(res.GetPlayers()))
	for _, p := range res.GetPlayers() {
		id, err := uuid.Parse(p.GetUserId())
		if err != nil {
			return nil, err
		}
		found[p.GetEmail()] = id
	}
	return found, nil
}
