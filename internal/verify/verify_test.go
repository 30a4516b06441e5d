package verify_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/verify"
)

func TestNoViolations(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	// A notification without an assignment is only counted.
	p.stored = append(p.stored, verify.Notification{UserID: uuid.MustParse(other), Seq: 1, Type: "promotion", ContentID: "x"})
	n, out := p.verify(t)
	for _, want := range []string{
		"2 users, 4 transactions", "2 players: ok", "1 claimed assignment, 1 credit for claims", "2 assignments, 3 stored notifications, 1 of them", "no violations found",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not contain %q:\n%s", want, out)
		}
	}
	if n != 0 {
		t.Errorf("got %d violations, want none:\n%s", n, out)
	}
}

// Each case damages the data. The output must name the damaged row.
func TestViolations(t *testing.T) {
	t.Parallel()
	const insertEvent = `INSERT INTO outbox (event_id, topic, key, type, source, content_type, payload, time, shard)
		VALUES ('` + event + `', 'x', 'x', 'x', 'x', 'x', '', now() - interval '2 minutes', 0)`
	for name, tt := range map[string]struct {
		damage func(t *testing.T, p *platform)
		want   func(p *platform) string
	}{
		"claimed but not paid": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, `UPDATE player_promotions SET claimed = true, claimed_at = now(), transaction_id = id WHERE NOT claimed`)
		}, func(*platform) string {
			return "assignment " + openAssignment + " of user " + player + " is claimed with transaction " + openAssignment + ", but"
		}},
		"paid but not claimed": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE player_promotions SET claimed = false, claimed_at = NULL, transaction_id = NULL")
		}, func(p *platform) string {
			return "transaction " + p.transactions[0] + " of user " + player + " paid assignment " + assignment + ", which is not claimed"
		}},
		"another amount": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "ALTER TABLE player_promotions DISABLE TRIGGER player_promotions_frozen; UPDATE player_promotions SET amount = 21 WHERE claimed")
		}, func(p *platform) string {
			return "assignment " + assignment + " of 21.00 to user " + player + " with transaction " + p.transactions[0] +
				" does not match its credit of 20.00"
		}},
		"another transaction": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE player_promotions SET transaction_id = '"+p.transactions[1]+"' WHERE claimed")
		}, func(p *platform) string {
			return "assignment " + assignment + " of 20.00 to user " + player + " with transaction " + p.transactions[1] +
				" does not match its credit of 20.00"
		}},
		"wrong counter": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE promotion_counters SET claimed = 2 WHERE id = '"+claimed+"'")
		}, func(*platform) string {
			return "promotion " + claimed + ": the counters or the days differ from the assignments: 1 assigned, 1 claimed, 0 expired, 0 revoked, 20.00 spent"
		}},
		"wrong day": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE promotion_days SET cost = 0 WHERE promotion_id = '"+claimed+"'")
		}, func(*platform) string {
			return "promotion " + claimed + ": the counters or the days differ from the assignments"
		}},
		"wrong time of a claim": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE promotion_claim_times SET claims = 3 WHERE promotion_id = '"+claimed+"'")
		}, func(*platform) string {
			return "promotion " + claimed + ": 1 claims on 20"
		}},
		"missing counter": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "DELETE FROM promotion_counters WHERE id = '"+open+"'")
		}, func(*platform) string {
			return "promotion " + open + ": the counters or the days differ from the assignments: 1 assigned, 0 claimed"
		}},
		"exceeded budget": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE promotions SET limits_budget = 19.99 WHERE id = '"+claimed+"'")
		}, func(*platform) string {
			return "promotion " + claimed + ": the claims use 20.00 of the limit budget of 19.99"
		}},
		"reservation that is not settled": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, `INSERT INTO claim_reservations (id, user_id, promotion_id, amount, reserved_at, not_after)
				SELECT id, user_id, promotion_id, amount, now(), now() FROM player_promotions WHERE NOT claimed`)
		}, func(*platform) string {
			return "the claim of assignment " + openAssignment + " of user " + player + " had to be paid by "
		}},
		"reservation that ends too late": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, `INSERT INTO claim_reservations (id, user_id, promotion_id, amount, reserved_at, not_after)
				SELECT id, user_id, promotion_id, amount, now() + interval '1 year', now() + interval '1 year'
				FROM player_promotions WHERE NOT claimed`)
		}, func(*platform) string {
			return "the claim of assignment " + openAssignment + " of user " + player + " is reserved until "
		}},
		"player unknown to promotions": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "DELETE FROM players WHERE id = '"+other+"'")
		}, func(*platform) string {
			return "user " + other + " is registered, but promotions does not know the player"
		}},
		"player unknown to users": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions,
				"INSERT INTO players (id, is_active, created_at, updated_at) VALUES ('"+event+"', true, now(), now())")
		}, func(*platform) string {
			return "promotions has the player " + event + ", whom users does not have"
		}},
		"notifications of an unknown user": {func(_ *testing.T, p *platform) {
			p.stored = append(p.stored,
				verify.Notification{UserID: uuid.MustParse(event), Seq: 1, Type: "promotion", ContentID: open})
		}, func(*platform) string {
			return "there are notifications of user " + event + ", whom users does not have"
		}},
		"status of a later version": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE players SET is_active = false, status_version = 9 WHERE id = '"+player+"'")
		}, func(*platform) string {
			return "promotions has the status version 9 of player " + player + " (active: false), but users has version "
		}},
		"another status of the same version": {func(t *testing.T, p *platform) {
			p.exec(t, p.promotions, "UPDATE players SET is_active = NOT is_active WHERE id = '"+player+"'")
		}, func(*platform) string { return "of player " + player + " (active: false), but users has version " }},
		"assignment without a notification": {func(_ *testing.T, p *platform) { p.stored = p.stored[:1] },
			func(*platform) string {
				return "user " + player + ": assignment " + openAssignment + " of promotion " + open + " has 0 notifications, want 1"
			}},
		"assignment with two notifications": {func(_ *testing.T, p *platform) {
			p.stored = append(p.stored, verify.Notification{UserID: uuid.MustParse(player), Seq: 3, Type: "promotion", ContentID: open})
		}, func(*platform) string {
			return "user " + player + ": assignment " + openAssignment + " of promotion " + open + " has 2 notifications, want 1"
		}},
		"gap in the notifications": {func(_ *testing.T, p *platform) { p.stored[1].Seq = 3 },
			func(*platform) string { return "user " + player + ": a notification has sequence number 3, want 2" }},
		"duplicate in the notifications": {func(_ *testing.T, p *platform) { p.stored[1].Seq = 1 },
			func(*platform) string { return "user " + player + ": a notification has sequence number 1, want 2" }},
		"unpublished event": {func(t *testing.T, p *platform) { p.exec(t, p.promotions, insertEvent) },
			func(*platform) string {
				return "the outbox of promotions has 1 unpublished event; the oldest is " + event
			}},
		"unpublished event of users": {func(t *testing.T, p *platform) { p.exec(t, p.users, insertEvent) },
			func(*platform) string { return "the outbox of users has 1 unpublished event; the oldest is " + event }},
		"no topic of dead letters": {
			func(_ *testing.T, p *platform) { p.dead["audit"] = verify.NoTopic },
			func(*platform) string { return "topic audit.dlq does not exist: run loyalty events topics" },
		},
		"dead letter": {func(_ *testing.T, p *platform) { p.dead["players"] = 1 }, func(*platform) string { return "topic players has 1 dead letter" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			tt.damage(t, p)
			n, out := p.verify(t)
			if want := tt.want(p); n != 1 || !strings.Contains(out, "VIOLATION") || !strings.Contains(out, want) {
				t.Errorf("got %d violations, want one with %q:\n%s", n, want, out)
			}
		})
	}
}

func TestRecentInconsistenciesAreNotReported(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.now = time.Now()
	p.exec(t, p.promotions, "DELETE FROM players")
	p.stored = p.stored[:1]
	p.exec(t, p.promotions, `INSERT INTO outbox (event_id, topic, key, type, source, content_type, payload, time, shard)
		VALUES (gen_random_uuid(), 'x', 'x', 'x', 'x', 'x', '', now(), 0)`)
	if n, out := p.verify(t); n != 0 {
		t.Errorf("got %d violations, want none:\n%s", n, out)
	}
}

func TestFindLost(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	find := func() verify.Lost {
		t.Helper()
		lost, err := verify.FindLost(t.Context(), p.sources(), verify.Options{Now: p.now, Delay: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		return lost
	}
	if lost := find(); !reflect.DeepEqual(lost, verify.Lost{}) {
		t.Errorf("got %+v, want nothing lost", lost)
	}
	p.exec(t, p.promotions, "DELETE FROM players WHERE id = '"+other+"'")
	p.exec(t, p.promotions, "UPDATE player_promotions SET claimed = false, claimed_at = NULL, transaction_id = NULL")
	p.exec(t, p.users, "UPDATE users SET is_active = false, status_version = 1 WHERE id = '"+player+"'")
	p.stored = p.stored[:1]
	want := verify.Lost{
		Registrations: []uuid.UUID{uuid.MustParse(other)}, Statuses: []uuid.UUID{uuid.MustParse(player)},
		Transactions: []uuid.UUID{uuid.MustParse(p.transactions[0])}, Assignments: []uuid.UUID{uuid.MustParse(openAssignment)},
	}
	if lost := find(); !reflect.DeepEqual(lost, want) {
		t.Errorf("got %+v, want %+v", lost, want)
	}
}
