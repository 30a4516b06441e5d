package wire //nolint:revive // the package comment is in doc_gen.go

import (
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/services/users"
)

// FromOwnRestriction converts a restriction to the message for the player who has set it.
func FromOwnRestriction(r users.Restriction) *usersv1.OwnRestriction {
	return &usersv1.OwnRestriction{
		Kind: FromRestrictionKind(r.Kind), Until: fields.TimeText(r.Until), CreatedAt: fields.Time(r.CreatedAt),
	}
}

// FromOwnRestrictions converts each element of rs. It never returns nil.
func FromOwnRestrictions(rs []users.Restriction) []*usersv1.OwnRestriction {
	return fields.Slice(rs, FromOwnRestriction)
}
