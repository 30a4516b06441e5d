package e2e_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// points kill a process at an exact point of a claim or of an event. The product contains no code for this: a lock in the
// database, frozen brokers or a link that holds answers back stops the work at the point, and the test kills the process
// when it sees that the point is reached. There is no load, so only the work of one player is observed.
func points() []struct {
	name string
	run  func(p *point)
} {
	return []struct {
		name string
		run  func(p *point)
	}{
		{"promotions killed before the claim's first read", beforeFirstRead},
		{"users killed with the RPC in flight", usersInFlight},
		{"promotions killed with the RPC in flight", promotionsInFlight},
		{"users killed after the ledger committed, before the answer", usersBeforeAnswer},
		{"promotions killed after the ledger committed, before the answer", promotionsBeforeAnswer},
		{"promotions killed before the mark", beforeMark},
		{"promotions killed with the event in the outbox, before it is published", beforePublish},
		{"promotions killed after the event is published, before it is deleted", beforeDelete},
		{"notifications killed after the notification is stored, before the offset commit", storedBeforeCommit},
		{"notifications killed after the frame is pushed, before the acknowledgement", pushedBeforeCommit},
	}
}

// point is the state of a test of one point: a player with an assignment and a socket.
type point struct {
	*stack
	t         *testing.T
	staff     client
	player    client
	promotion string
	listener  *listener
	assigned  int    // number of promotions that are assigned to the player
	killed    string // the replica that the test has killed
}

// runPoints runs every point. After each it checks that the player is paid and notified once.
func runPoints(t *testing.T, s *stack) {
	t.Helper()
	staff := newStaff(t, s.admin(t))
	for _, tt := range points() {
		t.Run(tt.name, func(t *testing.T) {
			p := &point{stack: s, t: t, staff: staff.in(t), player: newPlayer(t, s.url)}
			p.listener = listen(p.player)
			p.promotion = newPromotion(p.staff, "BONUS", "5.00").text("id")
			assign(p.staff, p.promotion, p.player)
			p.assigned = 1
			eventually(t, "the player is notified", func() error { return p.notified() })
			tt.run(p)
			if p.killed == "" {
				t.Fatal("no replica was killed")
			}
			s.launch(p.killed)
			s.awaitReplica(p.killed)
			p.claim()
			paidOnce(t, p.player, "5.00")
			eventually(t, "the player is notified of each promotion", func() error { return p.notified() })
			p.verify(t)
			p.listener.check(t, p.assigned)
			t.Logf("killed %s; paid once, notified once", p.killed)
		})
	}
}

func (p *point) notified() error {
	if got := p.listener.count(); got < p.assigned {
		return fmt.Errorf("%d of %d", got, p.assigned)
	}
	return nil
}

// claim claims the promotion until the answer says that it is paid.
func (p *point) claim() {
	p.t.Helper()
	eventually(p.t, "the claim is paid", func() error {
		a, err := p.player.try("POST", "/api/v1/promotions/claim", object{"promotion_id": p.promotion})
		if err == nil && a.status != 200 && a.text("code") != "PROMOTION_ALREADY_CLAIMED" {
			err = fmt.Errorf("%v", a)
		}
		return err
	})
}

// startClaim sends a claim, to Nginx or to one replica, and does not wait for the answer. The returned function does.
func (p *point) startClaim(url string) (wait func()) {
	c := p.player
	c.url = url
	done := make(chan struct{})
	go func() {
		defer close(done)
		a, err := c.try("POST", "/api/v1/promotions/claim", object{"promotion_id": p.promotion})
		p.t.Logf("the caller of the claim got %v, error %v", a, err)
	}()
	return func() { <-done }
}

// kill kills a replica. It is started again at the end of the point.
func (p *point) kill(name string) {
	p.t.Helper()
	p.stack.kill(name)
	p.killed = name
}

// lock runs a statement that takes locks in a database. The returned function releases them.
func (p *point) lock(db *pgxpool.Pool, sql string, args ...any) (release func()) {
	p.t.Helper()
	ctx := context.WithoutCancel(p.t.Context())
	tx, err := db.Begin(ctx)
	if err == nil {
		_, err = tx.Exec(ctx, sql, args...)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(ctx); err != nil {
			p.t.Error(err)
		}
	}
}

// blocked waits until a replica's statement that begins with text waits for a lock, and returns the name of the replica.
func (p *point) blocked(db *pgxpool.Pool, text string) (name string) {
	p.t.Helper()
	eventually(p.t, "a statement waits for the lock", func() error {
		return db.QueryRow(p.t.Context(), `SELECT usename FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND usename LIKE '%-_'
				AND btrim(query, E' \t\n') ILIKE $1`, text+"%").Scan(&name)
	})
	return name
}

// disconnect ends the sessions of a killed replica. Its last statement would otherwise be carried out when the lock is
// released.
func (p *point) disconnect(db *pgxpool.Pool, name string) {
	p.t.Helper()
	_, err := db.Exec(p.t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", name)
	if err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "the sessions of "+name+" have ended", func() error {
		var n int
		err := db.QueryRow(p.t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE usename = $1", name).Scan(&n)
		if err == nil && n > 0 {
			err = fmt.Errorf("%d sessions", n)
		}
		return err
	})
}

// beforeFirstRead locks the table, so that the first statement of the claim waits.
func beforeFirstRead(p *point) {
	db := p.database("promotions")
	release := p.lock(db, "LOCK TABLE player_promotions IN ACCESS EXCLUSIVE MODE")
	wait := p.startClaim(p.url)
	p.kill(p.blocked(db, "SELECT"))
	release()
	wait()
}

// usersInFlight locks the player's row in users, so that the credit waits in the ledger.
func usersInFlight(p *point) {
	db := p.database("users")
	release := p.lock(db, "SELECT 1 FROM users WHERE id = $1 FOR UPDATE", p.player.id)
	wait := p.startClaim(p.url)
	p.kill(p.blocked(db, ""))
	release()
	wait()
}

// promotionsInFlight does the same as usersInFlight, but kills the caller of the ledger. The claim goes directly to this
// replica, without Nginx.
func promotionsInFlight(p *point) {
	db := p.database("users")
	release := p.lock(db, "SELECT 1 FROM users WHERE id = $1 FOR UPDATE", p.player.id)
	wait := p.startClaim("http://" + p.listen["promotions-1"])
	p.blocked(db, "")
	p.kill("promotions-1")
	release()
	wait()
}

// usersBeforeAnswer holds back the ledger's answers on the links between promotions and users.
func usersBeforeAnswer(p *point) {
	p.holdAnswers()
	wait := p.startClaim(p.url)
	p.awaitCredit()
	name := p.calledReplica()
	p.kill(name)
	p.links[name].lose()
	for _, l := range p.links {
		l.release()
	}
	wait()
}

// promotionsBeforeAnswer does the same as usersBeforeAnswer, but kills the replica that waits for the answer.
func promotionsBeforeAnswer(p *point) {
	p.holdAnswers()
	wait := p.startClaim("http://" + p.listen["promotions-1"])
	p.awaitCredit()
	p.kill("promotions-1")
	for _, l := range p.links {
		l.release()
	}
	wait()
}

// holdAnswers holds back the ledger's answers to all replicas of promotions. Before that, it sends a claim to each replica, so
// that the replica is connected to the ledger. A replica cannot connect while the answers are held back.
func (p *point) holdAnswers() {
	p.t.Helper()
	other := newPlayer(p.t, p.url)
	for n := range hosts() {
		promotion := newPromotion(p.staff, "BONUS", "1.00").text("id")
		assign(p.staff, promotion, other)
		other.url = "http://" + p.listen[replica("promotions", n)]
		other.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": promotion})
	}
	for _, l := range p.links {
		l.hold()
		p.t.Cleanup(l.release)
	}
}

// awaitCredit waits until the ledger has committed the credit.
func (p *point) awaitCredit() {
	p.t.Helper()
	db := p.database("users")
	eventually(p.t, "the ledger has committed", func() error {
		var id string
		return db.QueryRow(p.t.Context(), "SELECT id::text FROM transactions WHERE user_id = $1", p.player.id).Scan(&id)
	})
}

// calledReplica returns the users replica that got most bytes since hold: the others got only pings.
func (p *point) calledReplica() (name string) {
	var most int64
	for replica, l := range p.links {
		if n := l.requests.Load(); n > most {
			name, most = replica, n
		}
	}
	return name
}

// beforeMark locks the assignment, so that its mark waits after the ledger has paid.
func beforeMark(p *point) {
	db := p.database("promotions")
	answer, release := heldClaim(p.t, p.cluster, p.player, p.promotion)
	p.kill(p.blocked(db, "UPDATE player_promotions"))
	p.disconnect(db, p.killed)
	release()
	p.t.Logf("the caller of the claim got %v", <-answer)
}

// assignFrozen assigns another promotion while the brokers are frozen, and returns the replica whose relay publishes its
// event. The relay waits for the brokers.
func (p *point) assignFrozen(db *pgxpool.Pool) (name string) {
	p.t.Helper()
	promotion := newPromotion(p.staff, "BONUS", "1.00").text("id")
	p.kafka.Freeze(p.t)
	p.t.Cleanup(func() { p.kafka.Thaw(p.t) })
	assign(p.staff, promotion, p.player)
	p.assigned++
	eventually(p.t, "a relay holds the shard of the event", func() error {
		return db.QueryRow(p.t.Context(), `SELECT a.usename FROM outbox o
			JOIN pg_locks l ON l.locktype = 'advisory' AND l.classid::bigint = x'6f757462'::bigint AND l.objid::bigint = o.shard
				AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			JOIN pg_stat_activity a ON a.pid = l.pid
			WHERE o.key = $1`, p.player.id).Scan(&name)
	})
	return name
}

func beforePublish(p *point) {
	name := p.assignFrozen(p.database("promotions"))
	p.kill(name)
	p.kafka.Thaw(p.t)
}

// beforeDelete locks the row of the outbox while the brokers are frozen. Then the event is published, but cannot be deleted.
func beforeDelete(p *point) {
	db := p.database("promotions")
	p.assignFrozen(db)
	release := p.lock(db, "SELECT 1 FROM outbox WHERE key = $1 FOR UPDATE", p.player.id)
	p.kafka.Thaw(p.t)
	p.kill(p.blocked(db, "delete from outbox"))
	p.disconnect(db, p.killed)
	release()
}
