package postgres

import (
	"context"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/ent/users/predicate"
	"github.com/casino-loyalty/loyalty/ent/users/user"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Users lists users by descending id, which is by age.
func (s *Store) Users(ctx context.Context, f users.UserFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[users.User], error) {
	var none keyset.Page[users.User]
	query := s.ent.User.Query().Where(userFilter(f)...)
	total, err := query.Clone().Count(ctx)
	if err != nil {
		return none, fail(err)
	}
	if p.Before != uuid.Nil {
		query.Where(user.IDLT(p.Before))
	}
	rows, err := query.Order(user.ByID(entsql.OrderDesc())).Limit(p.Size + 1).All(ctx)
	if err != nil {
		return none, fail(err)
	}
	items := make([]users.User, 0, len(rows))
	for _, row := range rows {
		items = append(items, userFromRow(row))
	}
	return keyset.NewPage(items, p.Size, total), nil
}

func userFilter(f users.UserFilter) []predicate.User {
	var where []predicate.User
	if f.Email != "" {
		where = append(where, user.EmailHasPrefix(f.Email)) // escapes % and _; citext compares without case
	}
	if f.Role != "" {
		where = append(where, user.Role(string(f.Role)))
	}
	if f.IsActive != nil {
		where = append(where, user.IsActive(*f.IsActive))
	}
	return where
}
