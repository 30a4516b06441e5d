package rpc_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/password"
)

// TestPasswordsWaitByAddress checks that the hashes of every request wait in the queue of the client's address. If a request
// waited by its user, many accounts of one address would get more turns than the clients of other addresses.
func TestPasswordsWaitByAddress(t *testing.T) {
	const address = "192.0.2.1" // the peer of every request
	for name, tt := range map[string]struct {
		request request
		status  int
		purpose password.Purpose
	}{
		"login": {
			request{method: "POST", path: "/auth/login", body: `{"email":"anna@example.com","password":"correct horse"}`},
			http.StatusOK, password.Login,
		},
		"failed login": {
			request{method: "POST", path: "/auth/login", body: `{"email":"nobody@example.com","password":"correct horse"}`},
			http.StatusUnauthorized, password.Login,
		},
		"change of the password": {
			changePasswordRequest("player", `{"currentPassword":"correct horse","newPassword":"another horse"}`),
			http.StatusNoContent, password.Login,
		},
		"registration": {
			request{method: "POST", path: "/auth/register", body: `{"email":"bob@example.com","password":"correct horse"}`},
			http.StatusCreated, password.Registration,
		},
		"registration of staff": {
			registerStaffRequest(`{"email":"bob@example.com","password":"correct horse"}`),
			http.StatusCreated, password.Registration,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			f.send(tt.status, tt.request)
			want := fmt.Sprintf("%d of %s", tt.purpose, address)
			others := slices.DeleteFunc(slices.Clone(f.hasher.queues), func(queue string) bool { return queue == want })
			if len(f.hasher.queues) == 0 || len(others) > 0 {
				t.Errorf("hashes wait in the queues %q, want %q", f.hasher.queues, want)
			}
		})
	}
}
