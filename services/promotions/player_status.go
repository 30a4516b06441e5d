package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// StatusChange is a deactivation or an activation of a player.
type StatusChange struct {
	Player uuid.UUID
	Active bool
	// Version orders the changes of a player. The first change has version 1.
	Version int64
	At      time.Time
}

// PlayerStatusChanged records a deactivation or an activation. It processes each event only once. It ignores a change with a
// version that is not greater than the stored version, such as the change of a replayed dead letter.
func (s *Service) PlayerStatusChanged(ctx context.Context, eventID string, c StatusChange) error {
	return s.store.SetPlayerActive(ctx, eventID, Player{
		ID: c.Player, IsActive: c.Active, StatusVersion: c.Version, CreatedAt: s.now(), UpdatedAt: c.At.UTC(),
	})
}
