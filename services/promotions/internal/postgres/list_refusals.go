package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Refusals lists the refusals of a player by descending id. Ids are UUIDv7, so the newest refusal comes first.
func (s *Store) Refusals(
	ctx context.Context, player uuid.UUID, p keyset.PageRequest[uuid.UUID],
) (keyset.Page[domain.Refusal], error) {
	where, args := "user_id = $1", []any{player}
	if p.Before != uuid.Nil {
		where, args = where+" AND id < $2", append(args, p.Before)
	}
	return listPage(ctx, s, list[domain.Refusal]{
		table: "refusals", columns: refusalColumns, scan: scanRefusal, all: "user_id = $1", order: "id DESC",
	}, where, args, p.Size)
}
