package registry_test

import (
	"testing"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/schema/registry"
)

func TestMethods(t *testing.T) {
	t.Parallel()
	const users = "loyalty.users.v1."
	actions := map[string]optionsv1.AuditAction{}
	internal := map[string]bool{}
	for _, m := range registry.Methods("loyalty.users.v1") {
		actions[string(m.FullName())], _ = registry.Audited(m)
		internal[string(m.FullName())] = registry.Internal(m)
	}
	for name, want := range map[string]optionsv1.AuditAction{
		users + "AuthService.Login":                              optionsv1.AuditAction_LOGIN,
		users + "RestrictionService.LiftRestriction":             optionsv1.AuditAction_LIFT_RESTRICTION,
		users + "UserService.GetMe":                              0,
		"loyalty.promotions.v1.PromotionService.CreatePromotion": 0,
	} {
		if got := actions[name]; got != want {
			t.Errorf("%s records %s, want %s", name, got, want)
		}
	}
	if !internal[users+"LedgerService.AddTransaction"] || internal[users+"UserService.GetMe"] {
		t.Errorf("got the internal methods %v, want AddTransaction and not GetMe", internal)
	}
	if all, one := len(registry.Methods("loyalty")), len(actions); all <= one {
		t.Errorf("got %d methods of all packages, want more than %d", all, one)
	}
	if got := registry.Methods("loyalty.user"); len(got) > 0 {
		t.Errorf("got methods of a package that does not exist: %v", got)
	}
}
