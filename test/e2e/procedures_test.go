package e2e_test

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"testing"

	rpc "connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
)

// rolesOf returns the procedures that need an access token, with the roles that can call them: P for players, S for staff,
// A for admins.
func rolesOf() map[string]string {
	return map[string]string{
		"users.v1.AuthService/RegisterStaff":                     "A",
		"users.v1.UserService/GetMe":                             "PSA",
		"users.v1.UserService/ListMyTransactions":                "P",
		"users.v1.UserService/ListUsers":                         "SA",
		"users.v1.UserService/GetUser":                           "SA",
		"users.v1.UserService/ListTransactions":                  "SA",
		"users.v1.UserService/ReverseTransaction":                "A",
		"users.v1.UserService/DeactivateUser":                    "A",
		"users.v1.UserService/ActivateUser":                      "A",
		"users.v1.UserService/ChangeMyPassword":                  "PSA",
		"users.v1.UserService/ListMySessions":                    "PSA",
		"users.v1.UserService/EndMySession":                      "PSA",
		"users.v1.UserService/EndMySessions":                     "PSA",
		"users.v1.UserService/EnrolMyTotp":                       "SA",
		"users.v1.UserService/ConfirmMyTotp":                     "SA",
		"users.v1.UserService/VerifyMyTotp":                      "SA",
		"users.v1.UserService/DisableMyTotp":                     "SA",
		"users.v1.UserService/ResetTotp":                         "A",
		"users.v1.AuditService/ListAuditEntries":                 "A",
		"users.v1.RestrictionService/ListRestrictions":           "SA",
		"users.v1.RestrictionService/SetRestriction":             "SA",
		"users.v1.RestrictionService/LiftRestriction":            "SA",
		"users.v1.RestrictionService/ListMyRestrictions":         "P",
		"users.v1.RestrictionService/AddMyRestriction":           "P",
		"users.v1.RestrictionService/LiftMyRestriction":          "P",
		"users.v1.UserService/ListSessions":                      "A",
		"users.v1.UserService/EndSession":                        "A",
		"users.v1.UserService/EndSessions":                       "A",
		"promotions.v1.PromotionService/CreatePromotion":         "SA",
		"promotions.v1.PromotionService/ListPromotions":          "SA",
		"promotions.v1.PromotionService/GetPromotion":            "SA",
		"promotions.v1.PromotionService/GetPromotionStats":       "SA",
		"promotions.v1.PromotionService/UpdatePromotion":         "SA",
		"promotions.v1.PromotionService/PublishPromotion":        "SA",
		"promotions.v1.PromotionService/PausePromotion":          "SA",
		"promotions.v1.PromotionService/ResumePromotion":         "SA",
		"promotions.v1.PromotionService/ArchivePromotion":        "SA",
		"promotions.v1.PromotionService/RevokeAssignments":       "SA",
		"promotions.v1.PromotionService/ListRefusals":            "SA",
		"promotions.v1.PromotionService/Redeem":                  "P",
		"promotions.v1.PromotionService/CheckEligibility":        "SA", // and the player with that id
		"promotions.v1.PromotionService/ListPlayerPromotions":    "SA", // and the player with that id
		"promotions.v1.PromotionService/Claim":                   "P",
		"promotions.v1.PromotionService/Assign":                  "SA",
		"promotions.v1.AssignmentJobService/CreateAssignmentJob": "SA",
		"promotions.v1.AssignmentJobService/UploadAssignmentJob": "SA",
		"promotions.v1.AssignmentJobService/ListAssignmentJobs":  "SA",
		"promotions.v1.AssignmentJobService/GetAssignmentJob":    "SA",
		"promotions.v1.AssignmentJobService/PauseAssignmentJob":  "SA",
		"promotions.v1.AssignmentJobService/ResumeAssignmentJob": "SA",
		"promotions.v1.AssignmentJobService/CancelAssignmentJob": "SA",
		"promotions.v1.AssignmentJobService/ListRefusedPlayers":  "SA",
		"promotions.v1.AnomalyService/ListAnomalies":             "SA",
		"promotions.v1.AnomalyService/MarkAnomalySeen":           "SA",
		"notifications.v1.NotificationService/MarkRead":          "P",
		"notifications.v1.NotificationService/ListNotifications": "P",
	}
}

// procedures calls the API over Connect with JSON and over gRPC.
func procedures(t *testing.T, p platform, callers map[string]client) {
	anonymous := client{t: t, url: p.url}
	for procedure, roles := range rolesOf() {
		path := "/loyalty." + procedure
		refusedCall(anonymous.in(t), path, object{}, 401, "unauthenticated", "TOKEN_MISSING")
		for role, c := range callers {
			if !strings.Contains(roles, role) {
				refusedCall(c.in(t), path, object{}, 403, "permission_denied", "FORBIDDEN")
			}
		}
		last := callers[roles[len(roles)-1:]].in(t)
		refusedCall(last, path, object{"surprise": 1}, 400, "invalid_argument", "VALIDATION_FAILED")
		refusedCall(last, path, verbatim(`{"`), 400, "invalid_argument", "VALIDATION_FAILED")
	}
	refusedCall(anonymous, "/loyalty.users.v1.AuthService/Register", verbatim(strings.Repeat(" ", 1<<20)+"{}"),
		429, "resource_exhausted", "PAYLOAD_TOO_LARGE")
	refusedCall(anonymous, "/loyalty.users.v1.AuthService/Refresh", object{}, 401, "unauthenticated", "TOKEN_MISSING")
	refusedCall(callers["P"].in(t), "/loyalty.promotions.v1.PromotionService/ListPlayerPromotions",
		object{"player_id": someID}, 403, "permission_denied", "FORBIDDEN")
	overGRPC(t, p, callers)
}

// refusedCall calls a procedure over Connect. The call must fail, and the error must contain a google.rpc.ErrorInfo.
func refusedCall(c client, path string, body any, status int, code, reason string) {
	c.t.Helper()
	a := c.call(status, "POST", path, body, "Connect-Protocol-Version", "1")
	if a.text("code") != code || a.text("message") == "" {
		c.t.Errorf("%s: got %v, want code %s", path, a, code)
	}
	for _, detail := range a.list("details") {
		if text(detail, "type") == "google.rpc.ErrorInfo" {
			if got := text(detail, "debug.reason"); got != reason {
				c.t.Errorf("%s: the reason is %s, want %s", path, got, reason)
			}
			return
		}
	}
	c.t.Errorf("%s: the error has no ErrorInfo: %v", path, a)
}

// overGRPC checks that the gateway serves gRPC, but not the internal LedgerService.
func overGRPC(t *testing.T, p platform, callers map[string]client) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	h2c := &http.Client{Transport: transport}

	url := cmp.Or(p.grpcURL, p.url)
	users := usersv1connect.NewUserServiceClient(h2c, url, rpc.WithGRPC())
	request := rpc.NewRequest(&usersv1.GetMeRequest{})
	request.Header().Set("Authorization", "Bearer "+callers["P"].token)
	if me, err := users.GetMe(t.Context(), request); err != nil || me.Msg.GetId() != callers["P"].id {
		t.Errorf("GetMe over gRPC: got %v, %v", me, err)
	}
	_, err := users.GetMe(t.Context(), rpc.NewRequest(&usersv1.GetMeRequest{}))
	var refusal *rpc.Error
	if !errors.As(err, &refusal) || refusal.Code() != rpc.CodeUnauthenticated || len(refusal.Details()) == 0 {
		t.Fatalf("GetMe over gRPC without a token: got %v, want UNAUTHENTICATED with details", err)
	}
	detail, err := refusal.Details()[0].Value()
	if info, ok := detail.(*errdetails.ErrorInfo); err != nil || !ok || info.GetReason() != "TOKEN_MISSING" {
		t.Errorf("GetMe over gRPC without a token: got detail %v, %v, want TOKEN_MISSING", detail, err)
	}

	ledger := rpc.NewClient[usersv1.AddTransactionRequest, usersv1.AddTransactionResponse](
		h2c, url+usersv1.LedgerService_AddTransaction_FullMethodName, rpc.WithGRPC())
	credit := rpc.NewRequest(&usersv1.AddTransactionRequest{
		UserId: callers["P"].id, Type: usersv1.TransactionType_CREDIT, Amount: "1.00", IdempotencyKey: "from outside",
	})
	credit.Header().Set("Authorization", "Bearer "+callers["A"].token)
	if _, err := ledger.CallUnary(t.Context(), credit); rpc.CodeOf(err) != rpc.CodeUnimplemented {
		t.Errorf("AddTransaction at the gateway: got %v, want UNIMPLEMENTED", err)
	}
	if got := callers["P"].in(t).call(200, "GET", "/api/v1/users/me", nil).text("balance"); got != "0.00" {
		t.Errorf("the balance is %s, want 0.00", got)
	}
}
