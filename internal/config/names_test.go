package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/config"
)

func TestUnknownNames(t *testing.T) {
	known := []string{"LOYALTY_MFA_REQUIRED", "LOYALTY_REDIS_TLS", "LOYALTY_TOKEN_KEY"}
	for line, want := range map[string]string{
		"LOYALTY_MFA_REQUIRED=true":         "",
		"LOYALTY_TOKEN_KEY_FILE=/key":       "",
		"LOYALTY_MFA_REQUIRE=true":          "LOYALTY_MFA_REQUIRE is not a setting: do you mean LOYALTY_MFA_REQUIRED?",
		"export LOYALTY_MFA_REQIURED=true":  "LOYALTY_MFA_REQIURED is not a setting: do you mean LOYALTY_MFA_REQUIRED?",
		"loyalty_mfa_required=true":         "loyalty_mfa_required is not a setting: do you mean LOYALTY_MFA_REQUIRED?",
		"LOYALTY-MFA-REQUIRED=true":         "LOYALTY-MFA-REQUIRED is not a setting: do you mean LOYALTY_MFA_REQUIRED?",
		"LOYALY_MFA_REQUIRED=true":          "LOYALY_MFA_REQUIRED is not a setting: do you mean LOYALTY_MFA_REQUIRED?",
		"\ufeffLOYALTY_MFA_REQUIRED=true":   "", // the byte order mark of the file
		"LOYALTY_TOKEN_KEYFILE=/key":        "LOYALTY_TOKEN_KEYFILE is not a setting: do you mean LOYALTY_TOKEN_KEY_FILE?",
		"LOYALTY_OF_THE_NEXT_RELEASE=yes":   "",
		"LOYALTY_USERS_SERVICE_PORT=8080":   "", // Kubernetes sets it
		"A_NAME_OF_SOMETHING_ELSE=anything": "",
	} {
		path := filepath.Join(t.TempDir(), "env")
		if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := config.UnknownNames(path, known)
		if got := text(err); got != want {
			t.Errorf("%q: error %q, want %q", line, got, want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestUnknownNamesInTheEnvironment(t *testing.T) {
	known := []string{"LOYALTY_MFA_REQUIRED"}
	t.Setenv("LOYALTY_OF_THE_NEXT_RELEASE", "yes")
	unknown, err := config.UnknownNames("", known)
	if err != nil || !slices.Contains(unknown, "LOYALTY_OF_THE_NEXT_RELEASE") {
		t.Errorf("got %q and error %v, want LOYALTY_OF_THE_NEXT_RELEASE and no error", unknown, err)
	}
	t.Setenv("LOYALTY_MFA_REQIRED", "true")
	if _, err := config.UnknownNames("", known); err == nil {
		t.Error("a misspelt variable is accepted")
	}
}
