package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users/app"
)

// grpcRow measures AddTransaction over gRPC, with the same client and server interceptors as between the services. Callers,
// server and database share the processors. Each caller uses its own players.
func grpcRow(callers int, goal float64) Row {
	return Row{
		Name: fmt.Sprintf("ledger, gRPC, %d callers", callers), Metrics: throughput("entries/s", goal),
		Limit: "1/(1/a + 1/b); a: empty gRPC call, b: the ledger in process",
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			return env.grpcPair(ctx, callers, false)
		},
	}
}

// hotGRPCRow measures AddTransaction over gRPC. All callers use the same player.
func hotGRPCRow(goal float64) Row {
	const callers = 32
	return Row{
		Name: fmt.Sprintf("hot account, gRPC, %d callers", callers), Metrics: throughput("entries/s", goal),
		Limit: fmt.Sprintf("pgbench -c %d on one row", callers),
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			return env.grpcPair(ctx, callers, true)
		},
	}
}

func (e *Env) grpcPair(ctx context.Context, callers int, hot bool) (*Pair, error) {
	ledger, err := app.OpenLedger(ctx, e.pool, e.key, func() {}, e.log)
	if err != nil {
		return nil, err
	}
	conn, stop, err := e.serveLedger(ledger)
	if err != nil {
		ledger.Close()
		return nil, err
	}
	client := usersv1.NewLedgerServiceClient(conn)
	ours := func(ctx context.Context, d time.Duration) (float64, error) {
		return load(ctx, callers, d, func(ctx context.Context, caller, n int) error {
			key, err := uuid.NewV7()
			if err != nil {
				return err
			}
			_, err = client.AddTransaction(ctx, &usersv1.AddTransactionRequest{
				UserId: playerOf(caller, callers, n, hot).String(), Type: usersv1.TransactionType_CREDIT, Amount: "0.01",
				Description: "Claimed 'Welcome' promotion of type 'WELCOME_BONUS'",
				AdditionalData: &structpb.Struct{Fields: map[string]*structpb.Value{
					"promotionId": structpb.NewStringValue(playerPrefix + "000000000000"),
				}},
				IdempotencyKey: key.String(),
			})
			return err
		})
	}
	closeAll := func() error {
		err := stop()
		ledger.Close()
		return err
	}
	limit := e.addByPgbench(callers, hot)
	if !hot {
		limit = combined(emptyCalls(callers), addInProcess(ledger, callers, hot))
	}
	return &Pair{Ours: one(ours), Limit: one(limit), Close: closeAll}, nil
}

// combined returns the throughput of a path that consists of a and b, if a and b share the processors: 1/(1/a + 1/b). It
// measures each of them for half of the time.
func combined(a, b func(context.Context, time.Duration) (float64, error)) func(context.Context, time.Duration) (float64, error) {
	return func(ctx context.Context, d time.Duration) (float64, error) {
		x, err := a(ctx, d/2)
		if err != nil {
			return 0, err
		}
		y, err := b(ctx, d/2)
		return 1 / (1/x + 1/y), err
	}
}

// emptyLedger answers each call with an empty message.
type emptyLedger struct {
	usersv1.UnimplementedLedgerServiceServer
}

// AddTransaction implements usersv1.LedgerServiceServer.
func (emptyLedger) AddTransaction(context.Context, *usersv1.AddTransactionRequest) (*usersv1.AddTransactionResponse, error) {
	return &usersv1.AddTransactionResponse{}, nil
}

// emptyCalls measures calls of AddTransaction with empty messages, by a client and a server without interceptors.
func emptyCalls(callers int) func(context.Context, time.Duration) (float64, error) {
	return func(ctx context.Context, d time.Duration) (_ float64, err error) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		server := grpc.NewServer()
		usersv1.RegisterLedgerServiceServer(server, emptyLedger{})
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		defer func() {
			server.GracefulStop()
			err = errors.Join(err, <-served)
		}()
		conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, conn.Close()) }()
		client := usersv1.NewLedgerServiceClient(conn)
		return load(ctx, callers, d, func(ctx context.Context, _, _ int) error {
			_, err := client.AddTransaction(ctx, &usersv1.AddTransactionRequest{})
			return err
		})
	}
}

// serveLedger serves the ledger on a free port and connects to it. stop closes the connection and stops the server.
func (e *Env) serveLedger(ledger *app.StandaloneLedger) (_ *grpc.ClientConn, stop func() error, err error) {
	const token = "token of this benchmark run"
	server, err := rpcserver.NewInternal(rpcserver.InternalConfig{Token: token, Log: e.log})
	if err != nil {
		return nil, nil, err
	}
	ledger.Register(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	stopServer := func() error {
		server.GracefulStop()
		return <-served
	}
	conn, err := rpcserver.DialInternal(rpcserver.DialConfig{Address: listener.Addr().String(), Token: token})
	if err != nil {
		return nil, nil, errors.Join(err, stopServer())
	}
	return conn, func() error { return errors.Join(conn.Close(), stopServer()) }, nil
}
