package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// growthPrefix and the 12 digits of a number are an id.
const growthPrefix = "01900000-0000-7000-8000-"

// growthUsers inserts users and transactions. Few users are employees; few others are inactive. The owner has half of the
// transactions; half of the users have one each. Few transactions are debits.
//
// In these statements, :rows is the number of rows of each table. "Few" is one of 1,000. n and id are the number of a row
// and its id.
const growthUsers = `
INSERT INTO users (email, id, email_folded, role, is_active, password_hash, created_at, entries)
SELECT email, id, email, CASE n % 1000 WHEN 3 THEN 'STAFF' ELSE 'PLAYER' END, n % 1000 <> 5, '', now(), n % 2
FROM :numbers, concat(left(md5(n::text), 8), n, '@example.com') email;

INSERT INTO users (id, email, email_folded, role, is_active, password_hash, created_at, entries)
VALUES (':owner', 'owner', 'owner', 'PLAYER', true, '', now(), :rows / 2);

INSERT INTO transactions (id, type, amount, balance_after, description, additional_data, created_at, seq, idempotency_key,
	content_hash, user_id)
SELECT id, CASE n % 2000 WHEN 8 THEN 'DEBIT' ELSE 'CREDIT' END, 1, 1, 'Claimed ''Offer'' promotion of type ''BONUS''',
	jsonb_build_object('promotionId', id), now(), CASE n % 2 WHEN 0 THEN n / 2 ELSE 1 END, id::text,
	decode(md5(n::text), 'hex'), CASE n % 2 WHEN 0 THEN ':owner' ELSE id END
FROM :numbers;
`

// popular is the number of the promotion that has as many assignments as each table has rows.
const popular = 0

// growthPromotions inserts promotions and assignments. Few promotions are welcome bonuses, which are inactive. Few others
// are inactive, end before 2000, or have another title. The owner has the promotions with even numbers. Half of the players
// have one assignment each. Few assignments are claimed. Other players have one assignment each of the popular promotion.
// They were assigned on 100 days, and every tenth is claimed.
const growthPromotions = `
INSERT INTO promotions (id, title, description, type, amount, start_date, end_date, created_at, is_active, updated_at)
SELECT id, CASE n % 1000 WHEN 8 THEN 'Jackpot ' ELSE 'Offer ' END || n, 'A bonus for you',
	CASE n % 1000 WHEN 2 THEN 'WELCOME_BONUS' ELSE 'BONUS' END, 1,
	CASE n % 1000 WHEN 6 THEN date '1999-01-01' ELSE '2000-01-01' END,
	CASE n % 1000 WHEN 6 THEN date '1999-12-31' ELSE '2999-12-31' END, now(), n % 1000 NOT IN (2, 4), now()
FROM :numbers;

INSERT INTO player_promotions (id, user_id, promotion_id, claimed, amount, created_at, claimed_at, transaction_id, title)
SELECT id, CASE n % 2 WHEN 0 THEN ':owner' ELSE id END, id, claimed, 1, now(), CASE WHEN claimed THEN now() END,
	CASE WHEN claimed THEN id END, 'Offer'
FROM :numbers, CAST(n % 2000 = 8 AS boolean) claimed;

INSERT INTO promotions (id, title, description, type, amount, start_date, end_date, created_at, is_active, updated_at)
VALUES (':popular', 'Offer', 'A bonus for you', 'BONUS', 1, '2000-01-01', '2999-12-31', '2025-01-01Z', true, now());

INSERT INTO player_promotions (id, user_id, promotion_id, claimed, amount, created_at, claimed_at, transaction_id, title)
SELECT other, other AS player, ':popular', claimed, 1, at, CASE WHEN claimed THEN at + n % 86400 * interval '1 s' END,
	CASE WHEN claimed THEN other END, 'Offer'
FROM :numbers, CAST(n % 10 = 8 AS boolean) claimed, CAST(replace(id::text, '-8000-', '-9000-') AS uuid) other,
	LATERAL (SELECT timestamptz '2025-01-01Z' + n % 100 * interval '1 day' AS at) day;
`

// growthNotifications inserts notifications. The owner has half of them, few of which are read. The reader has a quarter of
// them, few of which are unread. A quarter of the players have one each.
const growthNotifications = `
INSERT INTO notifications (id, type, content, read, created_at, user_id, seq, event_id)
SELECT id, 'promotion', jsonb_build_object('id', id, 'title', 'Offer', 'description', 'A bonus for you', 'isActive', true,
		'type', 'BONUS', 'amount', '1.00', 'startDate', '2000-01-01', 'endDate', '2999-12-31',
		'createdAt', '2026-01-01T00:00:00Z', 'updatedAt', '2026-01-01T00:00:00Z', 'state', 'ACTIVE'),
	CASE n % 4 WHEN 1 THEN n % 4000 <> 1 ELSE n % 2000 = 8 END, now(),
	CASE n % 4 WHEN 1 THEN ':reader' WHEN 3 THEN id ELSE ':owner' END,
	CASE n % 4 WHEN 1 THEN (n + 3) / 4 WHEN 3 THEN 1 ELSE n / 2 END, id::text
FROM :numbers;
`

// fill inserts rows into the database of a service.
func (g *grown) fill(ctx context.Context, service string, pool *pgxpool.Pool, rows int) error {
	text := map[string]string{
		"users": growthUsers, "promotions": growthPromotions, "notifications": growthNotifications,
	}[service]
	text = strings.NewReplacer(
		":numbers", "generate_series(1, :rows) n, CAST('"+growthPrefix+"' || lpad(n::text, 12, '0') AS uuid) id",
	).Replace(text)
	text = strings.NewReplacer(":rows", strconv.Itoa(rows), ":owner", g.owner.id, ":popular", growthID(popular).String(),
		":reader", g.reader.id).Replace(text)
	insert := func() (float64, error) {
		_, err := pool.Exec(ctx, text)
		return 0, err
	}
	var err error
	if service == "users" {
		_, err = withoutTriggers(ctx, pool, insert)
	} else {
		_, err = insert()
	}
	if err == nil {
		_, err = pool.Exec(ctx, "VACUUM ANALYZE")
	}
	return err
}
