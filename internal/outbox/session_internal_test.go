package outbox

import (
	"context"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/postgrestest"
)

func TestAnnouncementsDoNotPileUp(t *testing.T) {
	pool := postgrestest.New(t, postgrestest.Script(""))
	s, err := openSession(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close(t.Context())
	for range 100 {
		if _, err := pool.Exec(t.Context(), "select pg_notify($1, 'another relay')", channel); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.conn.Exec(t.Context(), "select"); err != nil { // the server sends what it has with the answer
		t.Fatal(err)
	}
	if err := s.wait(t.Context(), nil, "this relay", time.Minute); err != nil {
		t.Fatal(err)
	}
	arrived, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := s.conn.WaitForNotification(arrived); err == nil {
		t.Errorf("an announcement is left (%v), want one look to have answered all", n)
	}
	if s.conn.IsClosed() {
		t.Error("the connection is closed")
	}
}
