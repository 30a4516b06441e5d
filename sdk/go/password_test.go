package loyalty_test

import (
	"encoding/json"
	"net/http"
	"testing"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

// The credentials of a client belong to Anna. After a change of a password, the next login must use her current one.
func TestChangedPassword(t *testing.T) {
	t.Parallel()
	const anna, ben = "anna@example.com", "ben@example.com"
	for name, tt := range map[string]struct {
		loginAs string // an explicit login before the change; without it, the session has stored tokens
		current string
		want    string
	}{
		"of stored tokens of the account":     {"", "old", "new"},
		"of stored tokens of another account": {"", "other", "old"},
		"of a login":                          {anna, "old", "new"},
		"of a login with another case":        {"Anna@Example.com", "old", "new"},
		"of outdated credentials":             {anna, "changed elsewhere", "new"},
		"of another account":                  {ben, "other", "old"},
		"of another account, same password":   {ben, "old", "old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := false
			s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				switch r.URL.Path {
				case "/api/v1/users/me/password":
					changed = true
					w.WriteHeader(http.StatusNoContent)
				case "/api/v1/auth/login":
					answerTokens(w, "login", "login")
				default:
					if r.URL.Path == "/api/v1/auth/refresh" || changed && r.Header.Get("Authorization") != "Bearer login" {
						fail(w, http.StatusUnauthorized, loyalty.CodeTokenRevoked, "")
						return
					}
					_, _ = w.Write([]byte(`{"id":"me"}`))
				}
			})
			c := client(t, s, token(), loyalty.WithCredentials(anna, "old"))
			if tt.loginAs != "" {
				if _, err := c.Login(t.Context(), tt.loginAs, tt.current); err != nil {
					t.Fatal(err)
				}
			}
			change := loyalty.ChangeMyPasswordRequest{CurrentPassword: tt.current, NewPassword: "new"}
			if err := c.ChangeMyPassword(t.Context(), change); err != nil {
				t.Fatal(err)
			}
			if err := c.Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := c.GetMe(t.Context()); err != nil {
				t.Fatal(err)
			}
			var login loyalty.LoginRequest
			if err := json.Unmarshal([]byte(s.bodies[len(s.bodies)-2]), &login); err != nil {
				t.Fatal(err)
			}
			if login.Email != anna || login.Password != tt.want {
				t.Errorf("the next login was %+v, want %s with %q", login, anna, tt.want)
			}
		})
	}
}
