package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/convert/documents"
	"github.com/casino-loyalty/loyalty/internal/readiness"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/mongo"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/mongo/mongotest"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/storetest"
)

func open(t *testing.T, url string) *mongo.Store {
	t.Helper()
	s, err := mongo.Open(t.Context(), url, mongo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, mongotest.Start(t)) })
}

func TestCountMany(t *testing.T) {
	url := mongotest.Start(t)
	store := open(t, url)
	client, err := driver.Connect(options.Client().ApplyURI(url))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) }()
	collection := client.Database("loyalty").Collection("notifications")
	storetest.CountMany(t, store, func(player uuid.UUID, first, last int, read bool) {
		var list []bson.M
		for seq := first; seq <= last; seq++ {
			id := uuid.New()
			list = append(list, bson.M{
				"_id": documents.UUID(id), "user_id": documents.UUID(player), "seq": int64(seq), "read": read, "event_id": id.String(),
			})
		}
		if _, err := collection.InsertMany(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOpenTwice(t *testing.T) {
	url := mongotest.Start(t)
	for range 2 {
		if err := open(t, url).Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestDatabase checks which database the store uses. Open creates the indexes in it.
func TestDatabase(t *testing.T) {
	server := strings.TrimRight(mongotest.Start(t), "/")
	for _, tt := range []struct{ path, option, want string }{
		{"/", "", "loyalty"},
		{"/first", "", "first"},
		{"/second?maxPoolSize=2", "", "second"},
		{"/first", "third", "third"},
	} {
		missing := func() int {
			t.Helper()
			state, err := mongo.Inspect(t.Context(), server+"/", mongo.Options{Database: tt.want})
			if err != nil {
				t.Fatal(err)
			}
			return len(state.MissingIndexes)
		}
		if missing() == 0 {
			t.Fatalf("the database %s has indexes before the test", tt.want)
		}
		s, err := mongo.Open(t.Context(), server+tt.path, mongo.Options{Database: tt.option})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if n := missing(); n != 0 {
			t.Errorf("path %s, option %q: the database %s lacks %d indexes", tt.path, tt.option, tt.want, n)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		url         string
		unreachable bool
	}{
		"malformed URL": {"mongodb://user:s3cret@%zz/", false},
		"wrong scheme":  {"http://user:s3cret@" + address, false},
		"no server":     {fmt.Sprintf("mongodb://user:s3cret@%s/?serverSelectionTimeoutMS=100", address), true},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := mongo.Open(t.Context(), tt.url, mongo.Options{})
			if err == nil {
				t.Fatal("Open: got no error")
			}
			if s != nil {
				t.Error("Open returned both a store and an error")
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error contains the password: %v", err)
			}
			if _, got := errors.AsType[*readiness.UnreachableError](err); got != tt.unreachable {
				t.Errorf("%v is an UnreachableError: %t, want %t", err, got, tt.unreachable)
			}
		})
	}
}

// TestOpenRefusesAnUnknownAuthority checks that a wrong certificate is an error of the settings, and not an outage. The driver
// reports the certificate only if the handshake ends within its timeout, so the test doubles the timeout until then.
func TestOpenRefusesAnUnknownAuthority(t *testing.T) {
	server := httptest.NewTLSServer(nil) // for its certificate
	defer server.Close()
	for timeout := 100 * time.Millisecond; ; timeout *= 2 {
		url := fmt.Sprintf("mongodb://user:s3cret@%s/?tls=true&serverSelectionTimeoutMS=%d",
			server.Listener.Addr(), timeout.Milliseconds())
		s, err := mongo.Open(t.Context(), url, mongo.Options{})
		if err == nil || s != nil {
			t.Fatalf("Open: got store %v, error %v, want an error only", s, err)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error contains the password: %v", err)
		}
		_, unreachable := errors.AsType[*readiness.UnreachableError](err)
		if !unreachable {
			return
		}
		if timeout > 30*time.Second {
			t.Fatalf("%v is an UnreachableError, want another error", err)
		}
	}
}

func TestUnavailable(t *testing.T) {
	s, err := mongo.Open(t.Context(), mongotest.Start(t), mongo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = s.LastSeq(t.Context(), uuid.New())
	if apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("LastSeq of a closed store: %v, want DEPENDENCY_UNAVAILABLE", err)
	}
}
