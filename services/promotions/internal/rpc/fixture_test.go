package rpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/rpctest"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/rpc"
)

const (
	playerID      = "01890000-0000-7000-8000-000000000001"
	staffID       = "01890000-0000-7000-8000-000000000002"
	promotionID   = "01890000-0000-7000-8000-000000000003"
	assignmentID  = "01890000-0000-7000-8000-000000000004"
	transactionID = "01890000-0000-7000-8000-000000000005"
	unknownID     = "01890000-0000-7000-8000-000000000006"
)

// now is the time of the service under test.
func now() time.Time { return time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC) }

// fakeStore contains one promotion that is assigned to one player. It records the parameters of the last call.
type fakeStore struct {
	promotions.Store
	promotion  promotions.Promotion
	assignment promotions.Assignment
	keys       map[string]uuid.UUID // the promotion that each Idempotency-Key is reserved for
	createErr  error
	used       promotions.ClaimTotals
	beingPaid  int  // the result of Revoke
	created    bool // the result of Redeem

	filter       promotions.PromotionFilter
	assignFilter promotions.AssignmentFilter
	page         keyset.PageRequest[uuid.UUID]
	params       promotions.AssignParams
}

func (s *fakeStore) CreatePromotion(_ context.Context, p promotions.Promotion) error {
	s.promotion = p
	return s.createErr
}

func (s *fakeStore) Promotion(_ context.Context, id uuid.UUID) (promotions.Promotion, error) {
	if id != s.promotion.ID {
		return promotions.Promotion{}, apperr.New(apperr.NotFound, "promotion not found")
	}
	return s.promotion, nil
}

func (s *fakeStore) UpdatePromotion(ctx context.Context, id uuid.UUID, now func() time.Time, change func(*promotions.Promotion, promotions.ClaimTotals) error) (promotions.Promotion, error) {
	p, err := s.Promotion(ctx, id)
	if err == nil {
		p.State = p.StateAt(now())
		err = change(&p, s.used)
	}
	if err != nil {
		return promotions.Promotion{}, err
	}
	s.promotion = p
	return p, nil
}

func (s *fakeStore) Promotions(_ context.Context, f promotions.PromotionFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[promotions.Promotion], error) {
	s.filter, s.page = f, p
	return keyset.Page[promotions.Promotion]{Items: []promotions.Promotion{s.promotion}, Total: 2, More: p.Before == uuid.Nil}, nil
}

func (s *fakeStore) Assignments(_ context.Context, _ uuid.UUID, f promotions.AssignmentFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[promotions.Assignment], error) {
	s.assignFilter, s.page = f, p
	return keyset.Page[promotions.Assignment]{Items: []promotions.Assignment{s.assignment}, Total: 2, More: p.Before == uuid.Nil}, nil
}

func (s *fakeStore) Refusals(_ context.Context, player uuid.UUID, p keyset.PageRequest[uuid.UUID]) (keyset.Page[promotions.Refusal], error) {
	s.page = p
	return keyset.Page[promotions.Refusal]{Items: []promotions.Refusal{{
		ID: uuid.MustParse(assignmentID), UserID: player, PromotionID: s.promotion.ID, Action: promotions.RefusalActionClaim, CreatedAt: now(),
	}}, Total: 2, More: p.Before == uuid.Nil}, nil
}

func (s *fakeStore) ReserveClaim(_ context.Context, p promotions.ClaimParams) (promotions.Reservation, error) {
	claiming := promotions.Claiming{ClaimParams: p, KeyPromotion: s.keys[p.Key], Totals: s.used}
	if p.Player == s.assignment.UserID && p.Promotion == s.assignment.PromotionID {
		claiming.Assignment = &s.assignment
	}
	if _, err := claiming.Decide(); err != nil {
		return promotions.Reservation{}, err
	}
	if p.Key != "" {
		s.keys[p.Key] = p.Promotion
	}
	return promotions.Reservation{Assignment: s.assignment, NotAfter: p.NotAfter}, nil
}

func (s *fakeStore) ReleaseClaim(context.Context, promotions.Reservation) error { return nil }

func (s *fakeStore) ConfirmClaim(
	_ context.Context, _ promotions.Assignment, tx promotions.Transaction, claimID string, at time.Time,
) (promotions.Assignment, error) {
	a := &s.assignment
	a.Claimed, a.TransactionID, a.ClaimID, a.ClaimedAt = true, tx.ID, claimID, at
	return *a, nil
}

func (s *fakeStore) Revoke(_ context.Context, r promotions.RevokeParams) ([]promotions.RevokeResult, int, error) {
	if r.Promotion != s.promotion.ID {
		return nil, 0, apperr.New(apperr.NotFound, "promotion not found")
	}
	results := make([]promotions.RevokeResult, len(r.Players))
	for i, player := range r.Players {
		results[i] = promotions.RevokeResult{Player: player, Outcome: promotions.RevokeOutcomeNotAssigned}
		switch {
		case player != s.assignment.UserID:
		case s.assignment.Claimed:
			results[i].Outcome = promotions.RevokeOutcomeAlreadyClaimed
		default:
			results[i].Outcome, s.assignment.RevokedAt = promotions.RevokeOutcomeRevoked, r.At
		}
	}
	return results, s.beingPaid, nil
}

func (s *fakeStore) UnknownPlayers(context.Context, []uuid.UUID) ([]uuid.UUID, error) {
	return nil, nil
}

func (s *fakeStore) Redeem(_ context.Context, r promotions.RedeemParams) (promotions.Redeemed, error) {
	if r.Player != s.assignment.UserID || r.Code != s.promotion.Code {
		return promotions.Redeemed{}, apperr.New(apperr.NotFound, "no promotion with this code is available")
	}
	return promotions.Redeemed{Assignment: s.assignment, Created: s.created}, nil
}

func (s *fakeStore) Assign(_ context.Context, a promotions.AssignParams, check func(promotions.Promotion) error) ([]promotions.AssignResult, error) {
	s.params = a
	if err := check(s.promotion); err != nil {
		return nil, err
	}
	results := make([]promotions.AssignResult, len(a.Players))
	for i, player := range a.Players {
		results[i] = promotions.AssignResult{Player: player, Outcome: promotions.AssignOutcomeUnknownPlayer}
		if player == s.assignment.UserID {
			results[i].Outcome = promotions.AssignOutcomeAssigned
		}
	}
	return results, nil
}

// unlimited lets players redeem any number of wrong codes.
type unlimited struct{}

func (unlimited) Allow(context.Context, string, ratelimit.Limit) error  { return nil }
func (unlimited) Refund(context.Context, string, ratelimit.Limit) error { return nil }

// fakeLedger pays every credit with the same transaction, or returns err.
type fakeLedger struct{ err error }

func (l *fakeLedger) Credit(_ context.Context, c promotions.Credit) (promotions.Transaction, error) {
	return promotions.Transaction{
		ID: uuid.MustParse(transactionID), UserID: c.UserID, Type: promotions.TransactionTypeCredit, Amount: c.Amount,
		BalanceAfter: c.Amount, Description: c.Description, AdditionalData: c.AdditionalData, CreatedAt: now(),
	}, l.err
}

func (l *fakeLedger) Settled(context.Context, uuid.UUID, string, time.Time) (promotions.Transaction, error) {
	return promotions.Transaction{}, l.err
}

// fixture is the API of promotions on fakes, behind the interceptors of rpcserver.
type fixture struct {
	t         *testing.T
	store     *fakeStore
	anomalies *fakeAnomalies
	ledger    *fakeLedger
	url       string
}

func start(t *testing.T) *fixture {
	t.Helper()
	day := date.Of(now())
	p := promotions.Promotion{
		ID: uuid.MustParse(promotionID), Title: "Spring", Type: promotions.PromotionTypeBonus, Amount: 2000, IsActive: true,
		StartDate: day.AddDays(-1), EndDate: day.AddDays(1), CreatedAt: now(), UpdatedAt: now(),
	}
	f := &fixture{t: t, ledger: &fakeLedger{}, anomalies: newFakeAnomalies(), store: &fakeStore{promotion: p, keys: map[string]uuid.UUID{}, assignment: promotions.Assignment{
		ID: uuid.MustParse(assignmentID), UserID: uuid.MustParse(playerID), PromotionID: p.ID, Amount: p.Amount, Title: p.Title,
		Promotion: &p, CreatedAt: now(),
	}}}
	server, err := rpcserver.New(rpcserver.Config{
		Service:       "promotions",
		Authenticator: rpctest.Tokens{authn.RolePlayer: playerID, authn.RoleStaff: staffID},
		Log:           slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	service := promotions.New(f.store, f.ledger, now)
	service.LimitCodes(unlimited{})
	server.Mount(promotionsv1connect.NewPromotionServiceHandler(rpc.New(service), server.Options()...))
	monitor := promotions.NewMonitor(f.anomalies, nil, promotions.DefaultAnomalyRules(), nil, now)
	server.Mount(promotionsv1connect.NewAnomalyServiceHandler(rpc.NewAnomalies(monitor), server.Options()...))
	h, err := server.Handler()
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(h)
	t.Cleanup(listener.Close)
	f.url = listener.URL
	return f
}

// with returns the fixture for a subtest.
func (f *fixture) with(t *testing.T) *fixture {
	return &fixture{t: t, store: f.store, anomalies: f.anomalies, ledger: f.ledger, url: f.url}
}

type object = map[string]any

// request is an HTTP request. The body is JSON, or empty.
type request struct {
	caller, method, path, body string
	header                     []string // names and values
}

// send sends a request and returns the decoded body of the response. It fails the test if the response has another status.
func (f *fixture) send(status int, r request) object {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), r.method, f.url+r.path, strings.NewReader(r.body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.caller)
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(r.header); i += 2 {
		req.Header.Add(r.header[i], r.header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	var body object
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&body); err != nil {
		f.t.Fatalf("%s %s: status %d, body %q: %v", r.method, r.path, res.StatusCode, raw, err)
	}
	if res.StatusCode != status {
		f.t.Fatalf("%s %s: status %d, body %s; want %d", r.method, r.path, res.StatusCode, raw, status)
	}
	return body
}

// refused sends a request and checks the status and the error code. It returns the fields of the violations, separated by
// spaces.
func (f *fixture) refused(status int, code apperr.Code, r request) string {
	f.t.Helper()
	body := f.send(status, r)
	if body["code"] != string(code) {
		f.t.Errorf("%s %s: got code %v, want %s", r.method, r.path, body["code"], code)
	}
	var fields []string
	violations, _ := body["violations"].([]any)
	for _, v := range violations {
		v, _ := v.(object)
		field, _ := v["field"].(string)
		fields = append(fields, field)
	}
	return strings.Join(fields, " ")
}

// invalid sends a request and checks that it fails with VALIDATION_FAILED and that field is the only violation.
func (f *fixture) invalid(field string, r request) {
	f.t.Helper()
	if got := f.refused(http.StatusBadRequest, apperr.ValidationFailed, r); got != field {
		f.t.Errorf("%s %s %s: the violations name %q, want %q", r.method, r.path, r.body, got, field)
	}
}

// hasMembers checks that a JSON object has the members of want. It may have others.
func hasMembers(t *testing.T, got, want object) {
	t.Helper()
	for name, value := range want {
		if !reflect.DeepEqual(got[name], value) {
			t.Errorf("%s: got %v, want %v", name, got[name], value)
		}
	}
}
