package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users/app"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// TestRoles checks which roles may call each route.
func TestRoles(t *testing.T) {
	s := start(t)
	player := s.register("player@example.com")
	admin, _ := s.login(adminEmail)
	staff := s.call("POST", "/auth/register-staff", credentials("staff@example.com", secret), "Authorization", admin)
	s.want(staff, 201, "")
	bearers := map[string]string{"admin": admin}
	bearers["player"], _ = s.login("player@example.com")
	bearers["staff"], _ = s.login("staff@example.com")
	for _, tt := range []struct {
		method, path string
		allowed      string
	}{
		{"GET", "/users/me", "admin player staff"},
		{"GET", "/users/me/transactions", "player"},
		{"GET", "/users", "admin staff"},
		{"GET", "/users/" + player, "admin staff"},
		{"GET", "/users/" + player + "/transactions", "admin staff"},
		{"POST", "/users/" + player + "/activate", "admin"},
		{"POST", "/auth/register-staff", "admin"},
	} {
		var allowed []string
		for _, role := range slices.Sorted(maps.Keys(bearers)) {
			if a := s.call(tt.method, tt.path, nil, "Authorization", bearers[role]); a.status != 403 {
				allowed = append(allowed, role)
			} else if a.body["code"] != "FORBIDDEN" {
				t.Errorf("%s %s: got %v, want FORBIDDEN", tt.method, tt.path, a.body)
			}
		}
		if got := strings.Join(allowed, " "); got != tt.allowed {
			t.Errorf("%s %s is allowed for %s, want %s", tt.method, tt.path, got, tt.allowed)
		}
	}
}

func TestDeactivate(t *testing.T) {
	s := start(t)
	player := s.register("player@example.com")
	bearer, refresh := s.login("player@example.com")
	admin, _ := s.login(adminEmail)
	s.want(s.call("GET", "/users/me", nil, "Authorization", bearer), 200, "")
	for range 2 {
		a := s.want(s.call("POST", "/users/"+player+"/deactivate", nil, "Authorization", admin), 200, "")
		if a.body["isActive"] != false || a.body["id"] != player {
			t.Errorf("got %v, want the deactivated user", a.body)
		}
	}
	s.eventually("the access token is refused", func() bool {
		return s.call("GET", "/users/me", nil, "Authorization", bearer).body["code"] == "TOKEN_REVOKED"
	})
	s.want(s.call("POST", "/auth/refresh", object{"refreshToken": refresh}), 401, "TOKEN_REVOKED")
	s.want(s.call("POST", "/auth/login", credentials("player@example.com", secret)), 403, "ACCOUNT_DEACTIVATED")
	s.want(s.call("POST", "/users/"+player+"/activate", nil, "Authorization", admin), 200, "")
	s.login("player@example.com")

	me := s.want(s.call("GET", "/users/me", nil, "Authorization", admin), 200, "")
	deactivate := func(id any) response {
		return s.call("POST", fmt.Sprintf("/users/%s/deactivate", id), nil, "Authorization", admin)
	}
	s.want(deactivate(me.body["id"]), 403, "FORBIDDEN")
	s.want(deactivate(uuid.NewString()), 404, "NOT_FOUND")
	s.want(deactivate("7"), 400, "VALIDATION_FAILED")
}

// TestInterruptedDeactivation deactivates a user without ending the sessions, as if the process had died after the commit.
func TestInterruptedDeactivation(t *testing.T) {
	s := start(t)
	player := s.register("player@example.com")
	bearer, _ := s.login("player@example.com")
	if _, err := postgres.New(s.pool, func() {}).SetActive(t.Context(), uuid.Nil, uuid.MustParse(player), false); err != nil {
		t.Fatal(err)
	}
	s.eventually("the session has ended", func() bool {
		return s.call("GET", "/users/me", nil, "Authorization", bearer).body["code"] == "TOKEN_REVOKED"
	})
}

func TestUsersList(t *testing.T) {
	s := start(t)
	for i := range 5 {
		s.register(fmt.Sprintf("player%d@example.com", i))
	}
	admin, _ := s.login(adminEmail)
	var emails []string
	for token := ""; ; {
		a := s.want(s.call("GET", "/users?page_size=2&email=PLAYER&page_token="+token, nil, "Authorization", admin), 200, "")
		if a.body["total"] != 5.0 {
			t.Fatalf("got total %v, want 5", a.body["total"])
		}
		page, _ := a.body["users"].([]any)
		for _, u := range page {
			emails = append(emails, u.(object)["email"].(string)[6:7])
		}
		if token, _ = a.body["nextPageToken"].(string); token == "" {
			break
		}
	}
	if got := strings.Join(emails, ""); got != "43210" {
		t.Errorf("listed the players %s, want 43210", got)
	}
	s.want(s.call("GET", "/users?role=ADMIN&is_active=true", nil, "Authorization", admin), 200, "")
	for _, query := range []string{
		"role=OWNER", "name=x", "page_token=x", "email=%00", "email=player%00", "email=%1B", "email=%C2%85", "email=%FF",
		"email=%ED%A0%80", "role=%00", "page_token=%00",
	} {
		a := s.call("GET", "/users?"+query, nil, "Authorization", admin)
		if a.status != 400 || a.body["code"] != "VALIDATION_FAILED" {
			t.Errorf("?%s: status %d, body %v; want VALIDATION_FAILED", query, a.status, a.body)
		}
	}
	for _, query := range []string{"email=p%F4%8F%BF%BF", "email=p%EF%BF%BF", "email=p%ED%9F%BF", "email=%25", "email=%5C"} {
		if a := s.call("GET", "/users?"+query, nil, "Authorization", admin); a.status != 200 || a.body["total"] != 0.0 {
			t.Errorf("?%s: status %d, body %v; want no users", query, a.status, a.body)
		}
	}
}

func TestLedger(t *testing.T) {
	s := start(t)
	player := s.register("player@example.com")
	conn, err := rpcserver.DialInternal(rpcserver.DialConfig{Address: s.app.InternalAddr(), Token: internalToken})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ledger := usersv1.NewLedgerServiceClient(conn)
	for i := range 3 {
		_, err := ledger.AddTransaction(t.Context(), &usersv1.AddTransactionRequest{
			UserId: player, Type: usersv1.TransactionType_CREDIT, Amount: "20.00", Description: "a gift",
			IdempotencyKey: strconv.Itoa(i),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	bearer, _ := s.login("player@example.com")
	if me := s.call("GET", "/users/me", nil, "Authorization", bearer); me.body["balance"] != "60.00" {
		t.Errorf("got balance %v, want 60.00", me.body["balance"])
	}
	first := s.want(s.call("GET", "/users/me/transactions?page_size=2&type=CREDIT", nil, "Authorization", bearer), 200, "")
	page, _ := first.body["transactions"].([]any)
	if len(page) != 2 || first.body["total"] != 3.0 || page[0].(object)["balanceAfter"] != "60.00" {
		t.Fatalf("first page: got %v, want the two newest of 3 transactions", first.body)
	}
	if got := members(page[0].(object)); got != "additionalData amount balanceAfter createdAt description id reverses type user_id" {
		t.Errorf("got a transaction with the members %s", got)
	}
	next := fmt.Sprintf("/users/me/transactions?page_size=2&type=CREDIT&page_token=%s", first.body["nextPageToken"])
	second := s.want(s.call("GET", next, nil, "Authorization", bearer), 200, "")
	page, _ = second.body["transactions"].([]any)
	if len(page) != 1 || page[0].(object)["balanceAfter"] != "20.00" || second.body["nextPageToken"] != "" {
		t.Errorf("second page: got %v, want the oldest transaction and no next page", second.body)
	}
	admin, _ := s.login(adminEmail)
	s.want(s.call("GET", "/users/"+player+"/transactions?type=DEBIT", nil, "Authorization", admin), 200, "")
	s.want(s.call("GET", "/users/"+uuid.NewString()+"/transactions", nil, "Authorization", admin), 404, "NOT_FOUND")
}

// TestLedgerIsInternal checks that the public listener does not serve the ledger, and that the internal listener requires
// the internal token.
func TestLedgerIsInternal(t *testing.T) {
	s := start(t)
	url := s.url + usersv1.LedgerService_AddTransaction_FullMethodName
	resp, err := http.Post(url, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("AddTransaction on the public listener: status %s, want 404", resp.Status)
	}
	s.eventually("the service is ready", func() bool { return s.app.Ready(t.Context()) == nil })
	conn, err := rpcserver.DialInternal(rpcserver.DialConfig{Address: s.app.InternalAddr(), Token: "another internal token"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = usersv1.NewLedgerServiceClient(conn).AddTransaction(t.Context(), &usersv1.AddTransactionRequest{})
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("AddTransaction with another token: %v, want Unauthenticated", err)
	}
}

// TestStopBeforeStart checks that Run returns nil if its context has already ended.
func TestStopBeforeStart(t *testing.T) {
	s := start(t)
	for range 20 {
		a, err := app.New(t.Context(), s.config, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
		a.Close()
	}
}

// TestConfigNamesMissingSettings checks that the error names every setting that is not set.
func TestConfigNamesMissingSettings(t *testing.T) {
	_, err := app.New(t.Context(), app.Config{}, slog.New(slog.DiscardHandler))
	for _, name := range []string{
		"DatabaseURL", "Bus", "PrivateKey", "LedgerKey", "Issuer", "Audience", "InternalListen", "InternalToken", "Limits",
		"SessionLifetime", "SecondFactor", "Password",
	} {
		if err == nil || !strings.Contains(err.Error(), "users: "+name+" is not set") {
			t.Errorf("got %v, want an error that names %s", err, name)
		}
	}
}

func TestReadyAndAdminCommand(t *testing.T) {
	s := start(t)
	s.eventually("the service is ready", func() bool { return s.app.Ready(t.Context()) == nil })
	c := app.AdminConfig{DatabaseURL: s.config.DatabaseURL, Redis: s.config.Redis, Password: s.config.Password}
	for _, email := range []string{"x\x1b[31m@example.com", "x\u202e@example.com", "x y@example.com", "x@example.com\n.", "x@"} {
		_, own := app.EnsureAdmin(t.Context(), c, email, "another password", false)
		_, running := s.app.EnsureAdmin(t.Context(), email, "another password", false)
		if apperr.CodeOf(own) != apperr.ValidationFailed || apperr.CodeOf(running) != apperr.ValidationFailed {
			t.Errorf("%q: got %v and %v, want VALIDATION_FAILED", email, own, running)
		}
	}
	outcome, err := app.EnsureAdmin(t.Context(), c, adminEmail, "another password", true)
	if err != nil || outcome != app.AdminReset {
		t.Errorf("EnsureAdmin returned outcome %d, %v; want %d", outcome, err, app.AdminReset)
	}
	s.want(s.call("POST", "/auth/login", credentials(adminEmail, secret)), 401, "INVALID_CREDENTIALS")
	s.want(s.call("POST", "/auth/login", credentials(adminEmail, "another password")), 200, "")
}
