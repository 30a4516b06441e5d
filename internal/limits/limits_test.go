package limits_test

import (
	"os"
	"strings"
	"testing"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/golden"
	"github.com/casino-loyalty/loyalty/internal/limits"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	golden.Compare(t, "../../docs/limits.md", limits.Document(
		usersv1.File_loyalty_users_v1_auth_service_proto, usersv1.File_loyalty_users_v1_user_service_proto,
		promotionsv1.File_loyalty_promotions_v1_promotion_service_proto, promotionsv1.File_loyalty_promotions_v1_anomaly_service_proto,
		promotionsv1.File_loyalty_promotions_v1_assignment_job_service_proto,
		notificationsv1.File_loyalty_notifications_v1_notification_service_proto,
	))
}

// TestNginxLimits checks that the configuration of Nginx contains the limits of the table.
func TestNginxLimits(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, section := range limits.Table() {
		for _, row := range section.Rows {
			if row.File == "" {
				continue
			}
			conf, err := os.ReadFile("../../deploy/nginx/" + row.File)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(conf), row.Directive) {
				t.Errorf("%s does not contain %q, the limit %q of %s", row.File, row.Directive, row.Limit, row.What)
			}
			checked++
		}
	}
	if checked == 0 {
		t.Error("the table has no limits of Nginx")
	}
}
