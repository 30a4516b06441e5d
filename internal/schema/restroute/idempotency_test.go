package restroute_test

import (
	"maps"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/schema/restroute"
)

// TestIdempotencyOf names all public RPCs that change something but do not store their answers.
func TestIdempotencyOf(t *testing.T) {
	t.Parallel()
	want := map[string]restroute.Idempotency{
		"Claim":       restroute.OwnKey,
		"Login":       restroute.NoKey, // the answer contains tokens
		"Refresh":     restroute.NoKey, // the same
		"Logout":      restroute.NoKey, // takes a refresh token
		"EnrolMyTotp": restroute.NoKey, // the answer contains a secret
	}
	got := map[string]restroute.Idempotency{}
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			for j := range f.Services().Get(i).Methods().Len() {
				md := f.Services().Get(i).Methods().Get(j)
				kind, err := restroute.IdempotencyOf(md)
				if err != nil {
					t.Fatal(err)
				}
				routes, err := restroute.Of(md)
				if err != nil {
					t.Fatal(err)
				}
				if len(routes) > 0 && routes[0].Verb != "GET" && kind != restroute.StoredAnswer {
					got[string(md.Name())] = kind
				}
				if len(routes) > 0 && routes[0].Verb == "GET" && kind != restroute.NoKey {
					t.Errorf("%s takes an Idempotency-Key, but changes nothing", md.FullName())
				}
			}
		}
		return true
	})
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
