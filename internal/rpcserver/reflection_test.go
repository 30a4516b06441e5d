package rpcserver_test

import (
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/reflectiontest"
)

// reflected returns the services that a listener lists, without a token.
func reflected(t *testing.T, address string) ([]string, error) {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}()
	return reflectiontest.Services(t.Context(), conn)
}

func TestPublicReflection(t *testing.T) {
	for enabled, want := range map[bool]codes.Code{false: codes.NotFound, true: codes.OK} {
		s := start(t, func(c *rpcserver.Config) { c.Reflection = enabled })
		got, err := reflected(t, strings.TrimPrefix(s.url, "http://"))
		if status.Code(err) != want {
			t.Errorf("with reflection %v: got %v, want %v", enabled, err, want)
		}
		services := []string{"grpc.health.v1.Health", "loyalty.promotions.v1.PromotionService", "loyalty.users.v1.AuthService"}
		if enabled && !slices.Equal(got, services) {
			t.Errorf("the services are %v, want %v", got, services)
		}
	}
}

func TestInternalReflection(t *testing.T) {
	for enabled, want := range map[bool]codes.Code{false: codes.Unimplemented, true: codes.OK} {
		server, err := rpcserver.NewInternal(rpcserver.InternalConfig{
			Token: internalToken, Log: slog.New(slog.DiscardHandler), Reflection: enabled,
		})
		if err != nil {
			t.Fatal(err)
		}
		usersv1.RegisterLedgerServiceServer(server, usersv1.UnimplementedLedgerServiceServer{})
		if err := rpcserver.CheckInternal(server); err != nil {
			t.Errorf("with reflection %v: %v", enabled, err)
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- server.Serve(listener) }()
		got, err := reflected(t, listener.Addr().String())
		if status.Code(err) != want {
			t.Errorf("with reflection %v: got %v, want %v", enabled, err, want)
		}
		for _, name := range []string{"grpc.health.v1.Health", "loyalty.users.v1.LedgerService"} {
			if enabled && !slices.Contains(got, name) {
				t.Errorf("the services are %v, want %s", got, name)
			}
		}
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
