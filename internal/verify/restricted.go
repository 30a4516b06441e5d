package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/cli"
)

// restrictionList is an expression for the restrictions in a group of rows, as a text: kind, who has set it, and the end in
// microseconds since 1970.
const restrictionList = `COALESCE(string_agg(r.kind || CASE WHEN r.by_player THEN ' by the player' ELSE ' by staff' END ||
	COALESCE(' until ' || (extract(epoch FROM r.until) * 1000000)::bigint, ''), ', ' ORDER BY r.kind COLLATE "C", r.by_player)`

// usersRestrictionsSQL reads the restrictions of users that are in force at $1, and when the restrictions last changed.
const usersRestrictionsSQL = `
	SELECT r.user_id, ` + restrictionList + ` FILTER (WHERE r.ended_at IS NULL AND (r.until IS NULL OR r.until > $1)), ''),
	  max(GREATEST(r.created_at, r.ended_at))
	FROM restrictions r GROUP BY r.user_id ORDER BY r.user_id`

// knownRestrictionsSQL reads the same from promotions, and whether the row of the player, which decides, agrees with them.
const knownRestrictionsSQL = `
	WITH now AS (SELECT (extract(epoch FROM $1::timestamptz) * 1000000)::bigint AS us), list AS (
	  SELECT r.user_id, ` + restrictionList + `, '') AS list,
	    max(l.until) FILTER (WHERE kind = ANY ($2)) AS refused, max(l.until) FILTER (WHERE kind = ANY ($3)) AS muted
	  FROM player_restrictions r CROSS JOIN LATERAL (
	    SELECT COALESCE((extract(epoch FROM r.until) * 1000000)::bigint, 9223372036854775807) AS until
	  ) l WHERE r.until IS NULL OR r.until > $1 GROUP BY r.user_id
	)
	SELECT p.id, COALESCE(list.list, ''), GREATEST(p.promotions_refused_until, us) = GREATEST(list.refused, us)
	  AND GREATEST(p.promotions_muted_until, us) = GREATEST(list.muted, us)
	FROM now CROSS JOIN players p LEFT JOIN list ON list.user_id = p.id
	WHERE list.user_id IS NOT NULL OR p.promotions_refused_until > us OR p.promotions_muted_until > us ORDER BY p.id`

// restricted checks that promotions has the same restrictions as users, and decides by them. It skips databases that an
// older release has migrated.
func restricted(ctx context.Context, s Sources, r *report) (string, error) {
	n := 0
	err := snapshot(ctx, s.Promotions, func(promotions pgx.Tx) error {
		if known, err := hasColumn(ctx, promotions, "players", "restrictions_version"); err != nil || !known {
			return err
		}
		rows, err := promotions.Query(ctx, knownRestrictionsSQL, r.now,
			kindsWith((*optionsv1.RestrictionKindRules).GetRefusesPromotions),
			kindsWith((*optionsv1.RestrictionKindRules).GetMutesPromotions))
		if err != nil {
			return err
		}
		known := &restrictionCursor{rows: rows}
		defer known.rows.Close()
		return snapshot(ctx, s.Users, func(users pgx.Tx) error {
			if stored, err := hasColumn(ctx, users, "restrictions", "entries"); err != nil || !stored {
				return err
			}
			rows, err := users.Query(ctx, usersRestrictionsSQL, r.now)
			if err != nil {
				return err
			}
			u := &restrictionCursor{rows: rows, users: true}
			defer u.rows.Close()
			n = compareRestrictions(u, known, r)
			return errors.Join(u.rows.Err(), known.rows.Err())
		})
	})
	return cli.Count(n, "restricted player", "restricted players"), err
}

// kindsWith returns the kinds of restrictions that have a rule.
func kindsWith(rule func(*optionsv1.RestrictionKindRules) bool) []string {
	var kinds []string
	values := usersv1.RestrictionKind(0).Descriptor().Values()
	for i := range values.Len() {
		rules, _ := proto.GetExtension(values.Get(i).Options(), optionsv1.E_RestrictionKind).(*optionsv1.RestrictionKindRules)
		if rule(rules) {
			kinds = append(kinds, string(values.Get(i).Name()))
		}
	}
	return kinds
}

// compareRestrictions compares the players of users with those of promotions, both in the order of their ids. It returns the
// number of players that have restrictions in force. A change that is younger than the repair delay may be on its way.
func compareRestrictions(u, known *restrictionCursor, r *report) (restricted int) {
	u.next()
	known.next()
	for u.ok || known.ok {
		order := bytes.Compare(u.id[:], known.id[:])
		inUsers, inPromotions := u.ok && (!known.ok || order <= 0), known.ok && (!u.ok || order >= 0)
		var want, got string
		var player uuid.UUID
		inFlight := false
		if inUsers {
			player, want, inFlight = u.id, u.list, !u.changed.Before(r.cutoff)
		}
		if inPromotions {
			player, got = known.id, known.list
			if !known.agrees {
				r.violationf("promotions decides about player %s by other restrictions than it stores: %s", player, orNone(got))
			}
		}
		if want != got && !inFlight {
			r.violationf("promotions has the restrictions %s of player %s, but users has %s", orNone(got), player, orNone(want))
			r.lost.Statuses = append(r.lost.Statuses, player)
		}
		if want != "" {
			restricted++
		}
		if inUsers {
			u.next()
		}
		if inPromotions {
			known.next()
		}
	}
	return restricted
}

func orNone(list string) string {
	if list == "" {
		return "(none)"
	}
	return fmt.Sprintf("(%s)", list)
}

// restrictionCursor is the current row of players with restrictions. At the end, and after an error, ok is false.
type restrictionCursor struct {
	rows    pgx.Rows
	users   bool // rows of users
	id      uuid.UUID
	list    string
	changed time.Time // in users: the time of the last change
	agrees  bool      // in promotions: the row of the player agrees with the list
	ok      bool
}

func (c *restrictionCursor) next() {
	last := any(&c.agrees)
	if c.users {
		last = &c.changed
	}
	c.ok = c.rows.Next() && c.rows.Scan(&c.id, &c.list, last) == nil
}
