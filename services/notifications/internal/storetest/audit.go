package storetest

import (
	"errors"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/notifications"
)

func walkEntries(t *testing.T, s suite) {
	want := map[uuid.UUID][]string{}
	added := map[string]notifications.Notification{}
	for n := range 4 {
		player := uuid.New()
		for _, stored := range s.fill(t, player, n) {
			want[player] = append(want[player], stored.EventID)
			added[stored.EventID] = stored
		}
	}
	got := map[uuid.UUID][]string{}
	var previous notifications.Entry
	err := s.store.Walk(s.ctx, func(e notifications.Entry) error {
		if e.UserID != previous.UserID && len(got[e.UserID]) > 0 {
			t.Errorf("the entries of player %s are not consecutive", e.UserID)
		}
		got[e.UserID] = append(got[e.UserID], e.EventID)
		if e.Seq != int64(len(got[e.UserID])) {
			t.Errorf("player %s: got sequence number %d, want %d", e.UserID, e.Seq, len(got[e.UserID]))
		}
		if stored := added[e.EventID]; e.Type != stored.Type || e.ContentID != stored.Content["id"] {
			t.Errorf("Walk yields %+v, want the entry of %+v", e, stored)
		}
		previous = e
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Walk yields the events %v, want %v", got, want)
	}
	errStop, calls := errors.New("stop"), 0
	err = s.store.Walk(s.ctx, func(notifications.Entry) error { calls++; return errStop })
	if !errors.Is(err, errStop) || calls != 1 {
		t.Errorf("Walk = %v after %d calls, want %v after 1 call", err, calls, errStop)
	}
}
