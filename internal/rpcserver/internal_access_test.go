package rpcserver_test

import (
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

func TestCheckInternal(t *testing.T) {
	t.Parallel()
	server, err := rpcserver.NewInternal(rpcserver.InternalConfig{Token: "0123456789abcdef", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	usersv1.RegisterLedgerServiceServer(server, usersv1.UnimplementedLedgerServiceServer{})
	if err := rpcserver.CheckInternal(server); err != nil {
		t.Errorf("CheckInternal refuses the ledger: %v", err)
	}
	public := promotionsv1.File_loyalty_promotions_v1_promotion_service_proto.Services().Get(0).FullName()
	server.RegisterService(&grpc.ServiceDesc{ServiceName: string(public)}, nil)
	if err := rpcserver.CheckInternal(server); err == nil || !strings.Contains(err.Error(), string(public)) {
		t.Errorf("CheckInternal with a public service returned %v, want an error that names %s", err, public)
	}
}
