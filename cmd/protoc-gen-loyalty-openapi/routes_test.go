package main

import (
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/schema/schematest"
)

func TestInvalidRoutesAreRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rpc  string
		want []string
	}{
		"another variable": {
			`rpc Other(OtherRequest) returns (CancelResponse) {
				option (google.api.http) = {post: "/api/v1/orders/{id}/cancel"};
			}`, []string{"OrderService.Cancel", "OrderService.Other"},
		},
		"the same path": {
			`rpc Other(ListOrdersRequest) returns (ListOrdersResponse) {
				option (google.api.http) = {get: "/api/v1/orders"};
			}`, []string{"OrderService.ListOrders", "OrderService.Other"},
		},
		"an unknown variable": {
			`rpc Other(ListOrdersRequest) returns (ListOrdersResponse) {
				option (google.api.http) = {get: "/api/v1/orders/{nothing}"};
			}`, []string{"OrderService.Other", "nothing"},
		},
	} {
		err := generateWith(t, tt.rpc)
		if err == nil {
			t.Errorf("%s: got no error, want an error that names %v", name, tt.want)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want an error that names %s", name, err, want)
			}
		}
	}
}

func TestLiteralSegmentsDoNotConflict(t *testing.T) {
	t.Parallel()
	err := generateWith(t, `rpc Other(CancelRequest) returns (CancelResponse) {
		option (google.api.http) = {post: "/api/v1/orders/all/{order_id}"};
	}`)
	if err != nil {
		t.Error(err)
	}
}

// generateWith generates from the shop's schema with one more RPC in OrderService.
func generateWith(t *testing.T, rpc string) error {
	t.Helper()
	const file, anchor = "shop/orders/v1/orders.proto", "  rpc Sweep("
	sources := schematest.Shop(t)
	if !strings.Contains(sources[file], anchor) {
		t.Fatalf("%s lacks %q", file, anchor)
	}
	sources[file] = strings.Replace(sources[file], anchor, rpc+"\n"+anchor, 1) + "\nmessage OtherRequest { string id = 1; }\n"
	return generate(schematest.Plugin(t, sources))
}
