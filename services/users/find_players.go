package users

import (
	"context"

	"github.com/google/uuid"
)

// FindPlayers returns the ids of the players with the given e-mails, by e-mail. It omits e-mails that no player has.
func (s *Service) FindPlayers(ctx context.Context, emails []string) (map[string]uuid.UUID, error) {
	folded := make([]string, len(emails))
	for i, email := range emails {
		folded[i] = FoldEmail(email)
	}
	ids, err := s.store.PlayersByEmail(ctx, folded)
	if err != nil {
		return nil, err
	}
	found := make(map[string]uuid.UUID, len(ids))
	for i, email := range emails {
		if id, ok := ids[folded[i]]; ok {
			found[email] = id
		}
	}
	return found, nil
}
