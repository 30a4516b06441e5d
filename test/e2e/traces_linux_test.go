package e2e_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/tracing/jaegertest"
	"github.com/casino-loyalty/loyalty/internal/tracing/tracingtest"
)

// storedTraces assigns a promotion and claims it, and reads both traces back from Jaeger. It finds the id of a trace by the
// X-Request-Id of the answer, like an operator. With -v it prints the traces. It kills Jaeger at the end, so that the other
// tests of the stack run while the trace store is unavailable.
func storedTraces(t *testing.T, s *stack) {
	player := newPlayer(t, s.url)
	staff := newStaff(t, s.admin(t))
	live := connect(player, "")
	bonus := newPromotion(staff, "BONUS", "5").text("id")
	var assigned answer
	eventually(t, "the promotion is assigned", func() error {
		assigned = staff.call(200, "POST", "/api/v1/promotions/"+bonus+"/assign", object{"player_ids": []string{player.id}})
		if r := assigned.list("results"); len(r) != 1 || text(r[0], "outcome") != "ASSIGNED" {
			return errors.New(assigned.String())
		}
		return nil
	})
	for frame := live.frame(); text(frame, "notification.content.id") != bonus; {
		frame = live.frame()
	}
	claimed := player.call(200, "POST", "/api/v1/promotions/claim", object{"promotion_id": bonus})
	storedTrace(t, s.jaeger, assigned, assignPath(), "loyalty-notifications", "loyalty-promotions", "loyalty-users")
	storedTrace(t, s.jaeger, claimed, claimPath(), "loyalty-promotions", "loyalty-users")
	s.jaeger.Kill()
}

// storedTrace waits until Jaeger has the trace of an answered request with all spans of a path, and spans of the given
// services. It then checks that the trace is one tree with spans of these services only. The audit trail is in users.
func storedTrace(t *testing.T, jaeger *jaegertest.Server, a answer, path []string, services ...string) {
	t.Helper()
	request := a.header.Get("X-Request-Id")
	var id string
	eventually(t, "Jaeger finds the trace of request "+request, func() error {
		ids, err := jaeger.Find(t.Context(), "loyalty-promotions", "request_id", request)
		if err == nil && len(ids) != 1 {
			err = fmt.Errorf("%d traces", len(ids))
		}
		if err == nil {
			id = ids[0]
		}
		return err
	})
	var spans []jaegertest.Span
	eventually(t, "Jaeger has the spans "+strings.Join(path, ", "), func() error {
		var err error
		spans, err = jaeger.Trace(t.Context(), id)
		plain := make([]tracingtest.Span, len(spans))
		for i, span := range spans {
			plain[i] = span.Span
		}
		missing := func(service string) bool {
			return !slices.ContainsFunc(spans, func(span jaegertest.Span) bool { return span.Service == service })
		}
		if err == nil && (!hasPath(plain, path) || slices.ContainsFunc(services, missing)) {
			err = fmt.Errorf("it has\n%s", tree(spans))
		}
		return err
	})
	seen, ids, roots := map[string]bool{}, map[string]bool{"": true}, 0
	for _, span := range spans {
		seen[span.Service], ids[span.ID] = true, true
		if span.Parent == "" {
			roots++
		}
	}
	for _, span := range spans {
		if span.Trace != id || !ids[span.Parent] || span.Failed {
			t.Errorf("got %+v, want a successful span of trace %s with a parent in it", span, id)
		}
	}
	if got := slices.Sorted(maps.Keys(seen)); roots != 1 || !slices.Equal(got, services) {
		t.Errorf("trace %s has %d roots and spans of %v, want one root and spans of %v", id, roots, got, services)
	}
	t.Logf("trace %s of request %s:\n%s", id, request, tree(spans))
}

// tree prints the spans of a trace, each below its parent, with its start relative to the trace and its duration.
func tree(spans []jaegertest.Span) string {
	var b strings.Builder
	slices.SortFunc(spans, func(a, b jaegertest.Span) int { return a.Start.Compare(b.Start) })
	var begin time.Time
	if len(spans) > 0 {
		begin = spans[0].Start
	}
	var walk func(parent, indent string)
	walk = func(parent, indent string) {
		for _, span := range spans {
			if span.Parent == parent {
				fmt.Fprintf(&b, "%9.3f ms  %9.3f ms  %s%s: %s\n", milliseconds(span.Start.Sub(begin)), milliseconds(span.Duration),
					indent, strings.TrimPrefix(span.Service, "loyalty-"), span.Name)
				walk(span.ID, indent+"  ")
			}
		}
	}
	walk("", "")
	return b.String()
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
