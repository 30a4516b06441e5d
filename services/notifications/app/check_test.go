package app_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/check"
	"github.com/casino-loyalty/loyalty/services/notifications/app"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/mongo/mongotest"
)

// TestCheckMongo checks a single server before and after the service has created its indexes, and a server that cannot be reached.
func TestCheckMongo(t *testing.T) {
	t.Parallel()
	url := mongotest.Start(t)
	run := func(url string) []check.Finding { return check.Run(t.Context(), time.Minute, app.CheckMongo(url, "")) }
	has := func(findings []check.Finding, level check.Level, text string) bool {
		return slices.ContainsFunc(findings, func(f check.Finding) bool { return f.Level == level && strings.Contains(f.Text, text) })
	}
	findings := run(url)
	for _, want := range []struct {
		level check.Level
		text  string
	}{
		{check.OK, "connected; the server is MongoDB "}, {check.OK, "the clock differs by less than"},
		{check.Warn, "not a member of a replica set"}, {check.Warn, "indexes do not exist: event_id, user_id_seq, user_id_read_seq"},
	} {
		if !has(findings, want.level, want.text) {
			t.Errorf("no finding %q with %q: %+v", want.level, want.text, findings)
		}
	}
	store, err := app.OpenStore(t.Context(), app.StoreConfig{Kind: app.MongoDB, URL: url}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if findings := run(url); !has(findings, check.OK, "all indexes exist") {
		t.Errorf("after the start of the service: %+v", findings)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	away := run("mongodb://user:hunter2@" + listener.Addr().String() + "/?serverSelectionTimeoutMS=100")
	if len(away) != 1 || !has(away, check.Fail, "cannot connect") || strings.Contains(away[0].Text, "hunter2") {
		t.Errorf("without a server: %+v", away)
	}
}
