package postgres

import (
	"context"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/ent/users/predicate"
	"github.com/casino-loyalty/loyalty/ent/users/user"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Users lists users, newest first, in one round trip. A total above keyset.MaxExactTotal is an estimate.
func (s *Store) Users(
	ctx context.Context, f users.UserFilter, p keyset.PageRequest[uuid.UUID],
) (keyset.Page[users.User], error) {
	page, err := userList(f).Read(ctx, s.pool, p)
	return page, toAppError(err)
}

func userList(f users.UserFilter) postgres.List[users.User, predicate.User] {
	return postgres.List[users.User, predicate.User]{
		Table: user.Table, Columns: userColumns, Scan: scanUser, Where: userFilter(f),
	}
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
