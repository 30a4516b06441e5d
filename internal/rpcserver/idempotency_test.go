package rpcserver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/atlas"
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// startKeyed starts a server that stores answers.
func startKeyed(t *testing.T) *service {
	t.Helper()
	answers := idempotency.NewStore(postgrestest.New(t, atlas.Promotions))
	return start(t, func(c *rpcserver.Config) {
		c.Answers, c.RequestKey = answers, idempotency.SecretKey("a secret of the test")
	})
}

const create = "POST /api/v1/promotions"

func TestIdempotencyKeyRepeatsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	s := startKeyed(t)
	first := s.call(t, create, "staff", complete, "Idempotency-Key: k 1")
	if first.status != http.StatusCreated || s.last() == nil {
		t.Fatalf("got %d %s", first.status, first.body)
	}
	for _, key := range []string{"k 1", "  k 1 "} {
		again := s.call(t, create, "staff", complete, "Idempotency-Key: "+key)
		if again.status != first.status || again.body != first.body || s.last() != nil {
			t.Errorf("got %d %s, want the first answer %d %s", again.status, again.body, first.status, first.body)
		}
	}
	for name, tt := range map[string]struct {
		route, token, body, key string
		status                  int
	}{
		"another key":         {create, "staff", complete, "k 2", http.StatusCreated},
		"no key":              {create, "staff", complete, "", http.StatusCreated},
		"another caller":      {"POST /api/v1/auth/register", "", `{"email":"a@example.com","password":"correct horse"}`, "k 1", http.StatusCreated},
		"a key that is free":  {"POST /api/v1/promotions/" + thingID + "/assign", "staff", `{"player_ids":["` + playerID + `"]}`, "k 3", http.StatusOK},
		"a route that reads":  {"GET /api/v1/promotions", "staff", "", "k 1", http.StatusOK},
		"a claim of a player": {"POST /api/v1/promotions/claim", "player", `{"promotion_id":"` + thingID + `"}`, "k 1", http.StatusOK},
	} {
		var header []string
		if tt.key != "" {
			header = append(header, "Idempotency-Key: "+tt.key)
		}
		a := s.call(t, tt.route, tt.token, tt.body, header...)
		if called := s.last() != nil; a.status != tt.status || !called {
			t.Errorf("%s: got %d %s, called %t, want status %d and a call of the use case", name, a.status, a.body, called, tt.status)
		}
	}
}

func TestIdempotencyKeyOfAnotherRequest(t *testing.T) {
	t.Parallel()
	s := startKeyed(t)
	s.call(t, create, "staff", complete, "Idempotency-Key: k")
	s.last()
	for name, request := range map[string][2]string{
		"another body":  {create, strings.Replace(complete, `"20"`, `"21"`, 1)},
		"another route": {"POST /api/v1/promotions/" + thingID + "/assign", `{"player_ids":["` + playerID + `"]}`},
	} {
		a := s.call(t, request[0], "staff", request[1], "Idempotency-Key: k")
		a.problem(t, http.StatusConflict, apperr.IdempotencyMismatch)
		if s.last() != nil {
			t.Errorf("%s: the use case was called", name)
		}
	}
}

func TestInvalidIdempotencyKeys(t *testing.T) {
	t.Parallel()
	s := startKeyed(t)
	for name, header := range map[string][]string{
		"empty":     {"Idempotency-Key:  "},
		"too long":  {"Idempotency-Key: " + strings.Repeat("k", 201)},
		"not ASCII": {"Idempotency-Key: ü"},
	} {
		a := s.call(t, create, "staff", complete, header...)
		a.problem(t, http.StatusBadRequest, apperr.ValidationFailed)
		if !strings.Contains(a.body, `"field":"Idempotency-Key"`) && !strings.Contains(a.body, `"field": "Idempotency-Key"`) {
			t.Errorf("%s: got %s, want a violation of Idempotency-Key", name, a.body)
		}
	}
}

func TestConcurrentCallsReachTheUseCaseOnce(t *testing.T) {
	t.Parallel()
	s := startKeyed(t)
	bodies := make([]string, 20)
	var wg sync.WaitGroup
	for i := range bodies {
		wg.Go(func() { bodies[i] = s.call(t, create, "staff", complete, "Idempotency-Key: k").body })
	}
	wg.Wait()
	if slices.Sort(bodies); bodies[0] != bodies[len(bodies)-1] || bodies[0] == "" {
		t.Errorf("the answers differ: %s and %s", bodies[0], bodies[len(bodies)-1])
	}
	if n := s.count(); n != 1 {
		t.Errorf("the use case was called %d times, want once", n)
	}
}

// lateAnswers hides the answers until some look-ups were made, as if a call on another replica stored its answer then.
type lateAnswers struct {
	*idempotency.Store
	misses atomic.Int64
}

func (l *lateAnswers) Find(ctx context.Context, id uuid.UUID) (idempotency.Answer, bool, error) {
	if l.misses.Add(-1) >= 0 {
		return idempotency.Answer{}, false, nil
	}
	return l.Store.Find(ctx, id)
}

// sessions is a fake of the user service. Only its first call finds the session.
type sessions struct {
	usersv1connect.UnimplementedUserServiceHandler
	ended atomic.Bool
}

func (s *sessions) EndMySession(
	context.Context, *connect.Request[usersv1.EndMySessionRequest],
) (*connect.Response[usersv1.EndMySessionResponse], error) {
	if s.ended.Swap(true) {
		return nil, apperr.New(apperr.NotFound, "session not found")
	}
	return connect.NewResponse(&usersv1.EndMySessionResponse{}), nil
}

// startSessions starts a server of sessions that stores answers.
func startSessions(t *testing.T, answers rpcserver.Answers, fake usersv1connect.UserServiceHandler) *service {
	t.Helper()
	server, err := rpcserver.New(config(t, func(c *rpcserver.Config) {
		c.Answers, c.RequestKey = answers, idempotency.SecretKey("a secret of the test")
	}))
	if err != nil {
		t.Fatal(err)
	}
	server.Mount(usersv1connect.NewUserServiceHandler(fake, server.Options()...))
	h, err := server.Handler()
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(h)
	t.Cleanup(listener.Close)
	return &service{url: listener.URL}
}

// TestDeletedByAConcurrentCall repeats a DELETE while another replica has deleted the object, but not stored its answer.
func TestDeletedByAConcurrentCall(t *testing.T) {
	t.Parallel()
	answers := &lateAnswers{Store: idempotency.NewStore(postgrestest.New(t, atlas.Promotions))}
	s := startSessions(t, answers, &sessions{})
	end := func(key string) answer {
		return s.call(t, "DELETE /api/v1/users/me/sessions/"+thingID, "player", "", "Idempotency-Key: "+key)
	}
	if a := end("k"); a.status != http.StatusNoContent {
		t.Fatalf("got %d %s, want 204", a.status, a.body)
	}
	answers.misses.Store(4)
	if a := end("k"); a.status != http.StatusNoContent {
		t.Errorf("got %d %s, want the first answer", a.status, a.body)
	}
	end("another key").problem(t, http.StatusNotFound, apperr.NotFound)
}

// TestAnswersOfAPlayerAreLimited also passes if an hour ends during the test.
func TestAnswersOfAPlayerAreLimited(t *testing.T) {
	t.Parallel()
	fake := &sessions{}
	s := startSessions(t, idempotency.NewStore(postgrestest.New(t, atlas.Promotions)), fake)
	end := func(caller string, header ...string) answer {
		fake.ended.Store(false)
		return s.call(t, "DELETE /api/v1/users/me/sessions/"+thingID, caller, "", header...)
	}
	key := func(n int) string { return fmt.Sprintf("Idempotency-Key: %d", n) }
	stored := 0
	for a := end("player", key(0)); ; a = end("player", key(stored)) {
		if a.status == http.StatusTooManyRequests && stored >= limits.AnswersPerHour {
			a.problem(t, http.StatusTooManyRequests, apperr.RateLimited)
			break
		}
		if stored++; a.status != http.StatusNoContent || stored > 2*limits.AnswersPerHour {
			t.Fatalf("call %d: got %d %s, want RATE_LIMITED after %d calls", stored, a.status, a.body, limits.AnswersPerHour)
		}
	}
	for name, a := range map[string]answer{
		"repeated": end("player", key(0)), "without a key": end("player"), "an employee": end("staff", key(0)),
	} {
		if a.status != http.StatusNoContent {
			t.Errorf("%s: got %d %s, want 204", name, a.status, a.body)
		}
	}
}

func TestErrorsAreNotStored(t *testing.T) {
	t.Parallel()
	s := startKeyed(t)
	s.fail(apperr.New(apperr.PromotionExists, "overlaps"))
	s.call(t, create, "staff", complete, "Idempotency-Key: k").problem(t, http.StatusConflict, apperr.PromotionExists)
	s.fail(errors.New("broken"))
	s.call(t, create, "staff", complete, "Idempotency-Key: k").problem(t, http.StatusInternalServerError, apperr.Internal)
	s.fail(nil)
	if a := s.call(t, create, "staff", complete, "Idempotency-Key: k"); a.status != http.StatusCreated {
		t.Errorf("got %d %s after the error, want 201", a.status, a.body)
	}
}

func TestIdempotencyKeysOfAnonymousCallers(t *testing.T) {
	t.Parallel()
	s := startKeyed(t)
	const register, body = "POST /api/v1/auth/register", `{"email":"anna@example.com","password":"correct horse"}`
	from := func(address, body string) answer {
		return s.call(t, register, "", body, "Idempotency-Key: k", "X-Real-IP: "+address)
	}
	first := from("192.0.2.1", body)
	s.last()
	another := strings.Replace(body, "correct", "another", 1)
	s.fail(apperr.New(apperr.UserExists, "taken"))
	if again := from("192.0.2.1", body); again.body != first.body || again.status != first.status {
		t.Errorf("got %d %s, want the first answer %d %s", again.status, again.body, first.status, first.body)
	}
	from("192.0.2.1", another).problem(t, http.StatusConflict, apperr.IdempotencyMismatch)
	from("192.0.2.2", body).problem(t, http.StatusConflict, apperr.UserExists)
	// Guesses of the password must not get around the limit of the use case.
	s.fail(apperr.New(apperr.RateLimited, "too many"))
	from("192.0.2.1", body).problem(t, http.StatusTooManyRequests, apperr.RateLimited)
	from("192.0.2.1", another).problem(t, http.StatusTooManyRequests, apperr.RateLimited)
}

// TestIdempotencyKeyInEveryProtocol sends a key over one protocol and repeats the call over the others.
func TestIdempotencyKeyInEveryProtocol(t *testing.T) {
	t.Parallel()
	s := startKeyed(t)
	request := func(title string) *connect.Request[promotionsv1.CreatePromotionRequest] {
		r := connect.NewRequest(&promotionsv1.CreatePromotionRequest{Promotion: &promotionsv1.Promotion{
			Title: title, Type: promotionsv1.PromotionType_BONUS, Amount: "1", StartDate: "2026-01-01", EndDate: "2026-01-02",
		}})
		r.Header().Set("Idempotency-Key", "k")
		return r
	}
	for name, options := range map[string][]connect.ClientOption{
		"Connect": nil, "Connect JSON": {connect.WithProtoJSON()}, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()},
	} {
		c := promotionsv1connect.NewPromotionServiceClient(h2c(t), s.url, append(options, connect.WithInterceptors(asStaff()))...)
		res, err := c.CreatePromotion(t.Context(), request("A"))
		if err != nil || res.Msg.GetTitle() != "A" || res.Msg.GetAmount() != "1.00" {
			t.Errorf("%s: got %v, %v", name, res, err)
		}
		_, err = c.CreatePromotion(t.Context(), request("B"))
		refused(t, err, connect.CodeFailedPrecondition, apperr.IdempotencyMismatch, "")
	}
	s.last()
	a := s.call(t, create, "staff", `{"title":"A","type":"BONUS","amount":"1","startDate":"2026-01-01","endDate":"2026-01-02"}`, "Idempotency-Key: k")
	if a.status != http.StatusCreated || a.object(t)["title"] != "A" || s.last() != nil {
		t.Errorf("REST: got %d %s", a.status, a.body)
	}
}

func TestSecretsNeedARequestKey(t *testing.T) {
	t.Parallel()
	answers := idempotency.NewStore(postgrestest.New(t, atlas.Promotions))
	s, err := rpcserver.New(config(t, func(c *rpcserver.Config) { c.Answers = answers }))
	if err != nil {
		t.Fatal(err)
	}
	s.Mount(usersv1connect.NewAuthServiceHandler(&useCases{}, s.Options()...))
	if _, err := s.Handler(); err == nil || !strings.Contains(err.Error(), "RequestKey is not set") {
		t.Errorf("got %v, want an error about RequestKey", err)
	}
}
