// Command bare is a minimal server for four routes of the platform, the limit of the rows about requests. It runs the same
// SQL on the same tables and returns the same JSON, but it has no access tokens, validation, events or logs. The bearer
// token of a request is the id of the user.
//
//	bare --service users       POST /api/v1/auth/login (without a password), POST /api/v1/auth/refresh, GET /api/v1/users/me,
//	                           and AddTransaction over gRPC
//	bare --service promotions  GET /api/v1/promotions/players/{player_id}, POST /api/v1/promotions/claim
//
// Both also serve GET /health and the profiles of the Go runtime at /debug/pprof/.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/pprof"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// maxConns is the maximum number of connections to PostgreSQL, as in the services.
const maxConns = 16

type options struct{ service, listen, database, redis, ledger string }

func main() {
	var o options
	flag.StringVar(&o.service, "service", "", "`name` of the service: users or promotions")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "`address` of the HTTP server")
	flag.StringVar(&o.database, "database", "", "`URL` of the service's database")
	flag.StringVar(&o.redis, "redis", "", "`address` of Redis, for users")
	flag.StringVar(&o.ledger, "ledger", "", "`address` of AddTransaction: users serves it, promotions calls it")
	flag.Parse()
	fmt.Fprintln(os.Stderr, "bare:", run(context.Background(), o))
	os.Exit(1)
}

func run(ctx context.Context, o options) error {
	config, err := pgxpool.ParseConfig(o.database) // statements are prepared once per connection, which is pgx's default
	if err != nil {
		return err
	}
	config.MaxConns = maxConns
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}
	db, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	switch o.service {
	case "users":
		err = serveUsers(mux, db, o)
	case "promotions":
		err = servePromotions(mux, db, o)
	default:
		err = errors.New("--service must be users or promotions")
	}
	if err != nil {
		return err
	}
	server := http.Server{Addr: o.listen, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

// answer returns a handler that sends the result of fn as JSON. An error becomes a 500.
func answer[T any](fn func(r *http.Request) (T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		result, err := fn(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(result) // fails only if the client is gone
	}
}

// userOf returns the id of the user who sends the request.
func userOf(r *http.Request) string {
	id, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return id
}
