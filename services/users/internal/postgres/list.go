package postgres

import (
	"context"
	"unicode/utf8"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/ent/users/predicate"
	"github.com/casino-loyalty/loyalty/ent/users/user"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Users lists users, newest first. It sorts by id: ids are UUIDv7, which begin with the time of creation. A total above
// keyset.MaxExactTotal is an estimate.
func (s *Store) Users(
	ctx context.Context, f users.UserFilter, p keyset.PageRequest[uuid.UUID],
) (keyset.Page[users.User], error) {
	var none keyset.Page[users.User]
	where := userFilter(f)
	total, estimate, err := postgres.Count(ctx, s.pool, user.Table, where)
	if err != nil {
		return none, toAppError(err)
	}
	query := s.ent.User.Query().Where(where...)
	if p.Before != uuid.Nil {
		query.Where(user.IDLT(p.Before))
	}
	rows, err := query.Order(user.ByID(entsql.OrderDesc())).Limit(p.Size + 1).All(ctx)
	if err != nil {
		return none, toAppError(err)
	}
	items := make([]users.User, 0, len(rows))
	for _, row := range rows {
		items = append(items, userFromRow(row))
	}
	page := keyset.NewPage(items, p.Size, total)
	page.TotalIsEstimate = estimate
	return page, nil
}

func userFilter(f users.UserFilter) []predicate.User {
	var where []predicate.User
	if f.EmailPrefix != "" {
		where = append(where, emailPrefix(users.FoldEmailPrefix(f.EmailPrefix))...)
	}
	if f.Role != "" {
		where = append(where, user.Role(string(f.Role)))
	}
	if f.IsActive != nil {
		where = append(where, user.IsActive(*f.IsActive))
	}
	return where
}

// emailPrefix selects the users whose folded e-mail begins with prefix. It returns a range condition instead of a LIKE
// pattern. A range has no wildcards, and PostgreSQL can use the column's index, which sorts by bytes in every locale.
func emailPrefix(prefix string) []predicate.User {
	where := []predicate.User{user.EmailFoldedGTE(prefix)}
	if after, ok := afterPrefix(prefix); ok {
		where = append(where, user.EmailFoldedLT(after))
	}
	return where
}

// afterPrefix returns the smallest string that is greater than every string with the prefix, in the order of UTF-8 bytes.
// It returns false if there is no such string.
func afterPrefix(prefix string) (string, bool) {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		if last == 0xD7FF {
			last = 0xDFFF // UTF-8 does not encode surrogates, U+D800 to U+DFFF
		}
		if last < utf8.MaxRune {
			return prefix + string(last+1), true
		}
	}
	return "", false
}
