package loyalty_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

func TestInvalidArgumentsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		_, _ = w.Write([]byte(`{"id":"` + r.Header.Get("Idempotency-Key") + `"}`))
	})
	var log strings.Builder
	logger := loyalty.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))
	create := func(c *loyalty.Client, options ...loyalty.CallOption) error {
		_, err := c.CreatePromotion(t.Context(), loyalty.PromotionInput{Title: "A"}, options...)
		return err
	}
	valid := client(t, s, token(), logger)
	for _, key := range []string{"", " ", " a", "a ", "a\nb", "a\x00b", "a\x7fb", "ü", strings.Repeat("a", 201)} {
		if err := create(valid, loyalty.WithIdempotencyKey(key)); err == nil || !strings.Contains(err.Error(), "Idempotency-Key") {
			t.Errorf("key %q: got %v, want an error that names the Idempotency-Key", key, err)
		}
	}
	if err := create(client(t, s, token(), logger, loyalty.WithUserAgent("a\nb"))); err == nil || !strings.Contains(err.Error(), "User-Agent") {
		t.Errorf("got %v, want an error that names the User-Agent", err)
	}
	stored := loyalty.Tokens{Access: "secret\n", ExpiresAt: time.Now().Add(time.Hour)}
	err := create(client(t, s, logger, loyalty.WithTokens(stored)))
	if err == nil || !strings.Contains(err.Error(), "Authorization") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want an error that names the header and not the token", err)
	}
	if len(s.requests) > 0 || log.Len() > 0 {
		t.Errorf("%d requests, want none and no retries\n%s", len(s.requests), log.String())
	}
	for _, key := range []string{"a", "campaign 17, ~!", strings.Repeat("a", 200)} {
		p, err := valid.CreatePromotion(t.Context(), loyalty.PromotionInput{Title: "A"}, loyalty.WithIdempotencyKey(key))
		if err != nil || p.ID != key {
			t.Errorf("key %q: got %+v, %v", key, p, err)
		}
	}
}

// A patch contains exactly the members that are set, also in its objects.
func TestPatchesContainOnlyWhatChanges(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		_, _ = w.Write([]byte(`{"limits":{"maxClaims":0,"budget":"0.00","maxClaimsPerDay":3,"claimWithinHours":0}}`))
	})
	p, err := client(t, s, token()).UpdatePromotion(t.Context(), "p-1", loyalty.PromotionPatch{
		Limits: &loyalty.PromotionLimitsPatch{MaxClaims: new(int)},
	}, loyalty.UpdatePromotionParams{})
	if err != nil || p.Limits == nil || p.Limits.MaxClaimsPerDay != 3 || p.Usage != nil {
		t.Errorf("got %+v, %v, want the limits and no usage", p, err)
	}
	if got := s.bodies[0]; got != `{"limits":{"maxClaims":0}}` {
		t.Errorf("the body is %s", got)
	}
}
