package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/authn"
)

// PlayersByEmail returns the ids of the players with folded e-mails, by folded e-mail.
func (s *Store) PlayersByEmail(ctx context.Context, folded []string) (map[string]uuid.UUID, error) {
	rows, err := s.pool.Query(ctx, "SELECT email_folded, id FROM users WHERE email_folded = ANY ($1) AND role = $2",
		folded, string(authn.RolePlayer))
	if err != nil {
		return nil, toAppError(err)
	}
	ids := make(map[string]uuid.UUID, len(folded))
	var email string
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&email, &id}, func() error {
		ids[email] = id
		return nil
	})
	return ids, toAppError(err)
}
