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
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users/app"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

func TestWhoMayCall(t *testing.T) {
	s := start(t)
	player := s.register("player@example.com")
	admin, _ := s.login(adminEmail)
	s.want(s.call("POST", "/auth/register-staff", object{"email": "staff@example.com", "password": secret}, "Authorization", admin), 201, "")
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
				t.Errorf("%s %s: %v", tt.method, tt.path, a.body)
			}
		}
		if got := strings.Join(allowed, " "); got != tt.allowed {
			t.Errorf("%s %s is for %s, want %s", tt.method, tt.path, got, tt.allowed)
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
			t.Errorf("answered %v", a.body)
		}
	}
	s.eventually("the access token is refused", func() bool {
		return s.call("GET", "/users/me", nil, "Authorization", bearer).body["code"] == "TOKEN_REVOKED"
	})
	s.want(s.call("POST", "/auth/refresh", object{"refreshToken": refresh}), 401, "TOKEN_REVOKED")
	s.want(s.call("POST", "/auth/login", object{"email": "player@example.com", "password": secret}), 403, "ACCOUNT_DEACTIVATED")
	s.want(s.call("POST", "/users/"+player+"/activate", nil, "Authorization", admin), 200, "")
	s.login("player@example.com")

	me := s.want(s.call("GET", "/users/me", nil, "Authorization", admin), 200, "")
	s.want(s.call("POST", fmt.Sprintf("/users/%s/deactivate", me.body["id"]), nil, "Authorization", admin), 403, "FORBIDDEN")
	s.want(s.call("POST", "/users/"+uuid.NewString()+"/deactivate", nil, "Authorization", admin), 404, "NOT_FOUND")
	s.want(s.call("POST", "/users/7/deactivate", nil, "Authorization", admin), 400, "VALIDATION_FAILED")
}

// TestInterruptedDeactivation leaves behind what a process leaves that dies between its commit and the sessions.
func TestInterruptedDeactivation(t *testing.T) {
	s := start(t)
	player := s.register("player@example.com")
	bearer, _ := s.login("player@example.com")
	if _, err := postgres.New(s.pool, func() {}).SetActive(t.Context(), uuid.MustParse(player), false); err != nil {
		t.Fatal(err)
	}
	s.eventually("the event has ended the session", func() bool {
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
			t.Fatalf("total is %v", a.body["total"])
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
		t.Errorf("listed %s, want 43210", got)
	}
	s.want(s.call("GET", "/users?role=ADMIN&is_active=true", nil, "Authorization", admin), 200, "")
	s.want(s.call("GET", "/users?role=OWNER", nil, "Authorization", admin), 400, "VALIDATION_FAILED")
	s.want(s.call("GET", "/users?name=x", nil, "Authorization", admin), 400, "VALIDATION_FAILED")
	s.want(s.call("GET", "/users?page_token=x", nil, "Authorization", admin), 400, "VALIDATION_FAILED")
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
			UserId: player, Type: usersv1.TransactionType_CREDIT, Amount: "20.00", Description: "a gift", IdempotencyKey: strconv.Itoa(i),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	bearer, _ := s.login("player@example.com")
	if me := s.call("GET", "/users/me", nil, "Authorization", bearer); me.body["balance"] != "60.00" {
		t.Errorf("the balance is %v", me.body["balance"])
	}
	first := s.want(s.call("GET", "/users/me/transactions?page_size=2&type=CREDIT", nil, "Authorization", bearer), 200, "")
	page, _ := first.body["transactions"].([]any)
	if len(page) != 2 || first.body["total"] != 3.0 || page[0].(object)["balanceAfter"] != "60.00" {
		t.Fatalf("the first page is %v", first.body)
	}
	if got := members(page[0].(object)); got != "additionalData amount balanceAfter createdAt description id type user_id" {
		t.Errorf("a transaction has %s", got)
	}
	second := s.want(s.call("GET", fmt.Sprintf("/users/me/transactions?page_size=2&type=CREDIT&page_token=%s", first.body["nextPageToken"]),
		nil, "Authorization", bearer), 200, "")
	if page, _ = second.body["transactions"].([]any); len(page) != 1 || page[0].(object)["balanceAfter"] != "20.00" || second.body["nextPageToken"] != "" {
		t.Errorf("the second page is %v", second.body)
	}
	admin, _ := s.login(adminEmail)
	s.want(s.call("GET", "/users/"+player+"/transactions?type=DEBIT", nil, "Authorization", admin), 200, "")
	s.want(s.call("GET", "/users/"+uuid.NewString()+"/transactions", nil, "Authorization", admin), 404, "NOT_FOUND")

	// The ledger's door is closed in public, and to who lacks the secret.
	resp, err := http.Post(s.url+usersv1.LedgerService_AddTransaction_FullMethodName, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 404 {
		t.Errorf("in public AddTransaction answers %s", resp.Status)
	}
	stranger, err := rpcserver.DialInternal(rpcserver.DialConfig{Address: s.app.InternalAddr(), Token: "another secret of theirs"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close() }()
	_, err = usersv1.NewLedgerServiceClient(stranger).AddTransaction(t.Context(), &usersv1.AddTransactionRequest{})
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("without the secret: %v", err)
	}
}

func TestAStopBeforeTheBeginningIsNoFailure(t *testing.T) {
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

func TestConfigNamesWhatIsMissing(t *testing.T) {
	_, err := app.New(t.Context(), app.Config{}, slog.New(slog.DiscardHandler))
	for _, name := range []string{"DatabaseURL", "Bus", "PrivateKey", "Issuer", "Audience", "InternalListen", "InternalToken", "Limits", "Password"} {
		if err == nil || !strings.Contains(err.Error(), "users: "+name+" is not set") {
			t.Errorf("the error %v does not name %s", err, name)
		}
	}
}

func TestReadyAndAdminCommand(t *testing.T) {
	s := start(t)
	s.eventually("the service is ready", func() bool { return s.app.Ready(t.Context()) == nil })
	c := app.AdminConfig{DatabaseURL: s.config.DatabaseURL, Redis: s.config.Redis, Password: password.Params{Memory: 64, Passes: 1, Threads: 1}}
	outcome, err := app.EnsureAdmin(t.Context(), c, adminEmail, "another password", true)
	if err != nil || outcome != app.AdminReset {
		t.Errorf("EnsureAdmin returned outcome %d, %v; want %d", outcome, err, app.AdminReset)
	}
	s.want(s.call("POST", "/auth/login", object{"email": adminEmail, "password": secret}), 401, "INVALID_CREDENTIALS")
	s.want(s.call("POST", "/auth/login", object{"email": adminEmail, "password": "another password"}), 200, "")
}
