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

// dialServer returns a connection without a token. It is closed when the test ends.
func dialServer(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func TestPublicReflection(t *testing.T) {
	for enabled, want := range map[bool]codes.Code{false: codes.NotFound, true: codes.OK} {
		s := start(t, func(c *rpcserver.Config) { c.Reflection = enabled })
		got, err := reflectiontest.Services(t.Context(), dialServer(t, strings.TrimPrefix(s.url, "http://")))
		if status.Code(err) != want {
			t.Errorf("with reflection %v: got %v, want %v", enabled, err, want)
		}
		services := []string{"grpc.health.v1.Health", "loyalty.promotions.v1.PromotionService", "loyalty.users.v1.AuthService"}
		if enabled && !slices.Equal(got, services) {
			t.Errorf("the services are %v, want %v", got, services)
		}
	}
}

// The program contains the descriptor of LedgerService, which the public listener does not serve.
func TestPublicReflectionOmitsOtherServices(t *testing.T) {
	s := start(t, func(c *rpcserver.Config) { c.Reflection = true })
	conn := dialServer(t, strings.TrimPrefix(s.url, "http://"))
	for name, want := range map[string]bool{
		usersv1.LedgerService_ServiceDesc.ServiceName:             false,
		"loyalty.users.v1.AddTransactionRequest":                  false,
		usersv1.File_loyalty_users_v1_ledger_service_proto.Path(): false,
		"loyalty.users.v1.AuthService":                            true,
		"loyalty.users.v1.User":                                   true, // in an imported file
		usersv1.File_loyalty_users_v1_auth_service_proto.Path():   true,
	} {
		if got, err := reflectiontest.Describes(t.Context(), conn, name); err != nil || got != want {
			t.Errorf("%s: described %t, %v, want %t", name, got, err, want)
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
		got, err := reflectiontest.Services(t.Context(), dialServer(t, listener.Addr().String()))
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
