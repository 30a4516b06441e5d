package rpcserver_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

func TestCaller(t *testing.T) {
	t.Parallel()
	user := uuid.New()
	for name, tt := range map[string]struct {
		ctx  context.Context
		want uuid.UUID
		code apperr.Code
	}{
		"caller":            {authn.With(t.Context(), authn.Caller{UserID: user}), user, ""},
		"no caller":         {t.Context(), uuid.Nil, apperr.TokenMissing},
		"caller without id": {authn.With(t.Context(), authn.Caller{}), uuid.Nil, apperr.TokenMissing},
	} {
		if got, err := rpcserver.Caller(tt.ctx); got != tt.want || apperr.CodeOf(err) != tt.code {
			t.Errorf("%s: got %s, %v; want %s, code %q", name, got, err, tt.want, tt.code)
		}
	}
}

func TestID(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	if got, err := rpcserver.ID("promotion_id", id.String()); got != id || err != nil {
		t.Errorf("%s is parsed as %s, %v", id, got, err)
	}
	for _, text := range []string{"", "seven", "{" + id.String() + "}"} {
		_, err := rpcserver.ID("promotion_id", text)
		violates(t, err, "promotion_id")
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	ids := []uuid.UUID{uuid.New(), uuid.New()}
	got, err := rpcserver.IDs("ids", []string{ids[0].String(), ids[1].String()})
	if !slices.Equal(got, ids) || err != nil {
		t.Errorf("%v are parsed as %v, %v", ids, got, err)
	}
	_, err = rpcserver.IDs("ids", []string{"one", ids[0].String(), ""})
	violates(t, err, "ids[0]", "ids[2]")
}

// violates checks that err has violations of exactly these fields.
func violates(t *testing.T, err error, want ...string) {
	t.Helper()
	var got []string
	for _, v := range apperr.From(err).Violations {
		got = append(got, v.Field)
	}
	if apperr.CodeOf(err) != apperr.ValidationFailed || !slices.Equal(got, want) {
		t.Errorf("got %v with violations of %v, want %v", err, got, want)
	}
}
