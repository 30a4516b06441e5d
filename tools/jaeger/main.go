// Command jaeger runs Jaeger with its storage in memory, for tests.
//
//	jaeger OTLP-HOST:PORT QUERY-HOST:PORT
//
// It receives spans over OTLP gRPC at the first address and serves Jaeger's query API at the second one. It consists of
// Jaeger's OTLP receiver, collector, memory storage and query API. It leaves the other storages and the pages out, because
// the whole program takes more than twenty minutes to build.
//
// The program is a separate module, so that the product does not depend on Jaeger.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	collector "github.com/jaegertracing/jaeger/cmd/collector/app"
	"github.com/jaegertracing/jaeger/cmd/collector/app/flags"
	"github.com/jaegertracing/jaeger/cmd/collector/app/handler"
	query "github.com/jaegertracing/jaeger/cmd/query/app"
	"github.com/jaegertracing/jaeger/cmd/query/app/querysvc"
	"github.com/jaegertracing/jaeger/pkg/tenancy"
	"github.com/jaegertracing/jaeger/plugin/storage/memory"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: jaeger OTLP-HOST:PORT QUERY-HOST:PORT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(otlpAddress, queryAddress string) error {
	log, err := zap.NewProduction()
	if err != nil {
		return err
	}
	tenants := tenancy.NewManager(&tenancy.Options{})
	store := memory.WithConfiguration(memory.Configuration{MaxTraces: 10_000})
	spans := collector.NewSpanProcessor(store, nil, collector.Options.Logger(log), collector.Options.NumWorkers(2),
		collector.Options.QueueSize(10_000))
	var options flags.CollectorOptions
	options.OTLP.GRPC.HostPort, options.OTLP.HTTP.HostPort = otlpAddress, "127.0.0.1:0"
	if _, err := handler.StartOTLPReceiver(&options, log, spans, tenants); err != nil {
		return err
	}
	api := query.NewAPIHandler(querysvc.NewQueryService(store, store, querysvc.QueryServiceOptions{}), tenants,
		query.HandlerOptions.Logger(log), query.HandlerOptions.Tracer(noop.NewTracerProvider()))
	router := query.NewRouter()
	api.RegisterRoutes(router)
	server := &http.Server{Addr: queryAddress, Handler: router, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}
