package users

import (
	"context"

	"github.com/google/uuid"
)

// Activate activates a user, who may then log in. It is idempotent. Errors: NOT_FOUND if there is no user with the id, and
// TOKEN_REVOKED if the caller has been deactivated in the meantime.
func (s *Service) Activate(ctx context.Context, caller, id uuid.UUID) (User, error) {
	return s.store.SetActive(ctx, caller, id, true)
}
