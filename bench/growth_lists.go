package main

import (
	"crypto/md5" //nolint:gosec // spreads e-mail addresses, as the SQL of growthData does
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// growthList is a list or a look-up of the API. The path may contain placeholders; see request.
type growthList struct {
	name, service, path string
	asOwner, asReader   bool // instead of an employee
}

// growthLists returns the lists and look-ups whose cost must not grow with the tables. For each filter, one list has many
// matches, and one has few: see growthData.
func growthLists() []growthList {
	const (
		users         = "/api/v1/users?page_size=20"
		transactions  = "/api/v1/users/{owner}/transactions?page_size=20"
		promotions    = "/api/v1/promotions?page_size=20"
		assignments   = "/api/v1/promotions/players/{owner}?page_size=20"
		notifications = "/api/v1/notifications?page_size=20"
	)
	lists := []growthList{
		{name: "a user", service: "users", path: "/api/v1/users/{user}?"},
		{name: "users", service: "users", path: users},
		{name: "users by e-mail", service: "users", path: users + "&email={email}"},
		{name: "users by e-mail prefix, 1 of 4096", service: "users", path: users + "&email={3}"},
		{name: "users by e-mail prefix, 1 of 16", service: "users", path: users + "&email={1}"},
		{name: "users by role, many", service: "users", path: users + "&role=PLAYER"},
		{name: "users by role, few", service: "users", path: users + "&role=STAFF"},
		{name: "users by is_active, many", service: "users", path: users + "&is_active=true"},
		{name: "users by is_active, few", service: "users", path: users + "&is_active=false"},
		{name: "users by all filters", service: "users", path: users + "&role=PLAYER&is_active=false&email={1}"},

		{name: "transactions", service: "users", path: transactions},
		{name: "transactions by type, many", service: "users", path: transactions + "&type=CREDIT"},
		{name: "transactions by type, few", service: "users", path: transactions + "&type=DEBIT"},
		{name: "transactions of a player with one", service: "users", path: "/api/v1/users/{other}/transactions?page_size=20"},

		{name: "a promotion", service: "promotions", path: "/api/v1/promotions/{promotion}?"},
		{name: "statistics of a promotion", service: "promotions",
			path: "/api/v1/promotions/{popular}/stats?from=2025-01-01&to=2025-04-10"},
		{name: "promotions", service: "promotions", path: promotions},
		{name: "promotions by type, many", service: "promotions", path: promotions + "&type=BONUS"},
		{name: "promotions by type, few", service: "promotions", path: promotions + "&type=WELCOME_BONUS"},
		{name: "promotions by is_active, many", service: "promotions", path: promotions + "&is_active=true"},
		{name: "promotions by is_active, few", service: "promotions", path: promotions + "&is_active=false"},
		{name: "promotions by available, many", service: "promotions", path: promotions + "&available=true"},
		{name: "promotions by available, few", service: "promotions", path: promotions + "&available=false"},
		{name: "promotions by state, many", service: "promotions", path: promotions + "&state=ACTIVE"},
		{name: "promotions by state, few", service: "promotions", path: promotions + "&state=EXPIRED"},
		{name: "promotions by title, many", service: "promotions", path: promotions + "&title=offer"},
		{name: "promotions by title, few", service: "promotions", path: promotions + "&title=jackpot"},
		{name: "promotions by title, none", service: "promotions", path: promotions + "&title=nothing"},
		{name: "promotions by period, many", service: "promotions", path: promotions + "&from=2020-01-01&to=2020-12-31"},
		{name: "promotions by period, few", service: "promotions", path: promotions + "&to=1999-12-31"},

		{name: "assignments", service: "promotions", path: assignments},
		{name: "assignments by claimed, many", service: "promotions", path: assignments + "&claimed=false"},
		{name: "assignments by claimed, few", service: "promotions", path: assignments + "&claimed=true"},
		{name: "assignments by type, many", service: "promotions", path: assignments + "&type=BONUS"},
		{name: "assignments by type, few", service: "promotions", path: assignments + "&type=WELCOME_BONUS"},
		{name: "assignments by available, many", service: "promotions", path: assignments + "&available=true"},
		{name: "assignments by available, few", service: "promotions", path: assignments + "&available=false"},
		{name: "assignments of a player with one", service: "promotions", path: "/api/v1/promotions/players/{other}?page_size=20"},

		{name: "notifications, many unread", service: "notifications", path: notifications, asOwner: true},
		{name: "notifications by unread, many", service: "notifications", path: notifications + "&unread=true", asOwner: true},
		{name: "notifications by read, few", service: "notifications", path: notifications + "&unread=false", asOwner: true},
		{name: "notifications, few unread", service: "notifications", path: notifications, asReader: true},
		{name: "notifications by unread, few", service: "notifications", path: notifications + "&unread=true", asReader: true},
	}
	return lists
}

// request returns the path of a list with random rows in place of its placeholders, and the access token of the request.
func (g *grown) request(l growthList, rows int) (path, token string) {
	n := 1 + rand.IntN(rows)
	other := 2*rand.IntN(rows/4) + 1
	email := growthEmail(n)
	path = strings.NewReplacer(
		"{owner}", g.owner.id, "{popular}", growthID(popular).String(),
		"{user}", growthID(n).String(), "{promotion}", growthID(n).String(),
		"{other}", growthID(other).String(), "{email}", email, "{3}", email[:3], "{1}", email[:1],
	).Replace(l.path)
	switch {
	case l.asOwner:
		return path, g.owner.token
	case l.asReader:
		return path, g.reader.token
	default:
		return path, g.staff
	}
}

// growthEmail returns the e-mail address of the n-th user. It begins with eight hexadecimal digits that look random.
func growthEmail(n int) string {
	sum := md5.Sum([]byte(strconv.Itoa(n))) //nolint:gosec // see the import
	return fmt.Sprintf("%x%d@example.com", sum[:4], n)
}
