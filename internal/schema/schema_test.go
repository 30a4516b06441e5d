package schema_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/schema"
	"github.com/casino-loyalty/loyalty/internal/schema/schematest"
)

func entities(t *testing.T) []*schema.Entity {
	t.Helper()
	all, err := schema.Entities(schematest.Plugin(t, schematest.Shop(t)).Files)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEntities(t *testing.T) {
	t.Parallel()
	all := entities(t)
	i := slices.IndexFunc(all, func(e *schema.Entity) bool { return e.Name == "Order" })
	if i < 0 || len(all) != 3 {
		t.Fatalf("got %d entities with Order at index %d, want 3 entities with Order", len(all), i)
	}
	order := all[i]
	var names, fixed, private []string
	kinds := map[string]schema.Kind{}
	for _, c := range order.Columns {
		names = append(names, c.Name)
		kinds[c.Name] = c.Kind
		if c.Fixed() {
			fixed = append(fixed, c.Name)
		}
		if c.Field == nil {
			private = append(private, c.GoName)
		}
	}
	want := "id customer_id kind total deposit due_on is_open paid receipt_id title extra created_at paid_at pieces " +
		"weight picture customer delivery usage seq note"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("columns are %s, want %s", got, want)
	}
	if got := strings.Join(fixed, " "); got != "id customer_id kind created_at" {
		t.Errorf("fixed columns are %s, want id customer_id kind created_at", got)
	}
	if got := strings.Join(private, " "); got != "Seq Note" {
		t.Errorf("private columns are %s, want Seq Note", got)
	}
	const members = 7 // of delivery, which is stored as its members
	if len(order.Stored()) != len(order.Columns)-3+members || len(order.Public()) != len(order.Columns)-2 {
		t.Errorf("%d of %d columns are stored and %d public, want all but 3 and the members of delivery, and all but 2",
			len(order.Stored()), len(order.Columns), len(order.Public()))
	}
	for name, kind := range map[string]schema.Kind{
		"id": schema.UUID, "total": schema.Money, "due_on": schema.Date, "is_open": schema.Bool, "kind": schema.Enum,
		"title": schema.Text, "extra": schema.JSON, "paid_at": schema.Timestamp, "pieces": schema.Int,
		"weight":  schema.BigInt,
		"picture": schema.Bytes, "customer": schema.Message, "seq": schema.BigInt, "delivery": schema.Embedded,
	} {
		if kinds[name] != kind {
			t.Errorf("%s is of kind %d, want %d", name, kinds[name], kind)
		}
	}
	if order.Service != "orders" || !slices.Equal(order.Databases, []string{"orders"}) {
		t.Errorf("Order has service %s and databases %v, want orders and [orders]", order.Service, order.Databases)
	}
}

func TestEmbeddedMessages(t *testing.T) {
	t.Parallel()
	var got []string
	for _, c := range schema.EmbeddedMessages(entities(t)) {
		for _, member := range c.Members {
			got = append(got, member.Name+" "+member.GoName+" "+member.Path()+" "+member.JSON()+" "+member.Min+" "+member.Max)
		}
	}
	for _, want := range []string{
		"delivery_fee DeliveryFee Delivery.Fee delivery.fee 0.00 10.00",
		"delivery_not_before DeliveryNotBefore Delivery.NotBefore delivery.notBefore  ",
		"delivery_attempts DeliveryAttempts Delivery.Attempts delivery.attempts 0 9",
		"usage_spent UsageSpent Usage.Spent usage.spent  ",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("got %q, want %q among them", got, want)
		}
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	all := entities(t)
	if got := schema.Services(all); !slices.Equal(got, []string{"orders", "billing"}) {
		t.Errorf("services are %v", got)
	}
	for service, want := range map[string]map[string]int{
		"orders": {"Customer": 4, "Order": 21}, "billing": {"Customer": 3}, "archive": {},
	} {
		got := map[string]int{}
		for _, e := range schema.Known(all, service) {
			got[e.Name] = len(e.Columns)
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s knows %v, want %v", service, got, want)
		}
	}
}

func TestUses(t *testing.T) {
	t.Parallel()
	files := schematest.Plugin(t, schematest.Shop(t)).Files
	all, err := schema.Entities(files)
	if err != nil {
		t.Fatal(err)
	}
	for service, want := range map[string]string{
		"orders":  "written Customer Order OrderKind listed Order read Order OrderKind updated Order",
		"billing": "written listed read Customer updated",
	} {
		uses, err := schema.UsesOf(files, schema.Known(all, service), service)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, kind := range []struct {
			name string
			is   map[protoreflect.FullName]bool
		}{{"written", uses.Written}, {"listed", uses.Listed}, {"read", uses.Read}, {"updated", uses.Updated}} {
			got = append(got, kind.name)
			for _, name := range []protoreflect.Name{"Customer", "Order", "OrderKind"} {
				if kind.is["shop.orders.v1."+protoreflect.FullName(name)] {
					got = append(got, string(name))
				}
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: got %s, want %s", service, s, want)
		}
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	files := schematest.Plugin(t, schematest.Shop(t)).Files
	events, err := schema.Events(files)
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	e := events[0]
	if e.Topic != "orders" || e.Label != "order" || e.Producer != "orders" || e.Package != "shop.orders.v1" ||
		e.Retention != 90*time.Second || !e.KeyIsUUID || e.KeyField.GoName != "CustomerId" ||
		e.TypeField.Enum.GoIdent.GoName != "OrderEventType" {
		t.Errorf("got %+v", e)
	}
	sockets := schema.Sockets(files)
	if len(sockets) != 1 || sockets[0].Path != "/orders/ws" {
		t.Errorf("sockets are %+v, want one with the path /orders/ws", sockets)
	}
}

// An error must name the invalid element of the schema.
func TestInvalidSchemas(t *testing.T) {
	t.Parallel()
	const orders, errorsFile = "shop/orders/v1/orders.proto", "shop/errors/v1/errors.proto"
	for name, tt := range map[string]struct{ file, old, new, want string }{
		"no table": {orders, `table: "orders"`, ``, "shop.orders.v1.Order: entity.table"},
		"two keys": {orders, `unique: true` + "\n  }];\n  loyalty", `primary: true` + "\n  }];\n  loyalty",
			"2 primary keys"},
		"collation of a number":       {orders, `type: BYTES`, `type: BYTES collation: "C"`, "secret: only a text has a collation"},
		"no privileges":               {orders, `privileges: {insert: true}`, ``, "shop.orders.v1.Customer: entity.privileges"},
		"privilege on unknown column": {orders, `"paid",`, `"nothing",`, `update "nothing"`},
		"index over unknown column":   {orders, `desc: ["id"]`, `desc: ["nothing"]`, `index over "nothing"`},
		"index over transient column": {orders, `columns: ["kind"]`, `columns: ["customer"]`, `index over "customer"`},
		"duplicate column":            {orders, `name: "seq"`, `name: "title"`, "title is defined twice"},
		"nullable money":              {orders, `max: "100.00"`, `nullable: true`, "total: a column of its type cannot be nullable"},
		"stored message": {orders, `[(loyalty.options.v1.column) = {transient: true}]`, ``,
			"customer: a message field must be transient"},
		"message in an embedded message": {orders, `OrderKind via = 7`, `OrderUsage via = 7`,
			"delivery: field via: a field of an embedded message must be a plain"},
		"column named like a member": {orders, `name: "seq"`, `name: "delivery_fee"`, "delivery_fee is defined twice"},
		"index over a transient member": {orders, `columns: ["kind"]`, `columns: ["usage_picked"]`,
			`index over "usage_picked"`},
		"transient message of requests": {orders, `[
    (google.api.field_behavior) = OUTPUT_ONLY,
    (loyalty.options.v1.column) = {transient: true}
  ]`, `[(loyalty.options.v1.column) = {transient: true}]`, "usage: a transient field must be OUTPUT_ONLY"},
		"nullable embedded message": {orders, `[(loyalty.options.v1.staff_only) = true]`,
			`[(loyalty.options.v1.column) = {nullable: true}]`, "delivery: an embedded message has no presence"},
		"default of an amount": {orders, "type: MONEY\n    default: \"0\"", `type: MONEY default: "1"`, "the default of an amount must be 0"},
		"UUID type on a number": {orders, `int64 weight = 15`, `int64 weight = 15 [(loyalty.options.v1.column) = {type: UUID}]`,
			"weight: column.type UUID needs a string"},
		"repeated field":              {orders, `int64 weight`, `repeated int64 weight`, "weight: a repeated field cannot be a column"},
		"private column without type": {orders, `column: {type: BYTES}`, ``, "private column secret"},
		"float field":                 {orders, `int64 weight`, `double weight`, "weight: no column type"},
		"event with unknown key":      {orders, `key: "customer_id"`, `key: "nobody"`, `event.key "nobody"`},
		"event without topic":         {orders, `topic: "orders"`, ``, "event.topic"},
		"event without type":          {orders, `OrderEventType event_type = 2`, `string event_type = 2`, "event_type is missing"},
		"domain_limits without limit": {orders, `int64 weight = 15`, `int64 weight = 15 [(loyalty.options.v1.domain_limits) = true]`,
			"weight: domain_limits needs a limit"},
		"unknown RPC code": {errorsFile, `"INVALID_ARGUMENT"`, `"WRONG"`,
			`VALIDATION_FAILED: app_error.rpc_code "WRONG"`},
		"success as an error":             {errorsFile, `409`, `200`, "SOLD_OUT: app_error.http_status 200"},
		"error member with a common name": {errorsFile, `"restockedAt"`, `"status"`, `member.name "status"`},
		"error without title":             {errorsFile, `title: "There is none left"`, ``, "SOLD_OUT: app_error.title"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sources := schematest.Shop(t)
			changed := strings.Replace(sources[tt.file], tt.old, tt.new, 1)
			if changed == sources[tt.file] {
				t.Fatalf("%q is not in %s", tt.old, tt.file)
			}
			sources[tt.file] = changed
			files := schematest.Plugin(t, sources).Files
			_, entityErr := schema.Entities(files)
			_, eventErr := schema.Events(files)
			_, codeErr := schema.ErrorCodes(files)
			_, limitErr := schema.Limits(files, "orders")
			for _, err := range []error{entityErr, eventErr, codeErr, limitErr} {
				if err != nil && strings.Contains(err.Error(), tt.want) {
					return
				}
			}
			t.Errorf("got %v, %v, %v, %v; want an error with %q", entityErr, eventErr, codeErr, limitErr, tt.want)
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for proto, want := range map[string]string{
		"user_id": "UserID", "NOT_FOUND": "NotFound", "id": "ID", "created_at": "CreatedAt", "VIP_PROMOTION": "VIPPromotion",
		"player_ids": "PlayerIDs",
	} {
		if got := schema.GoName(proto); got != want {
			t.Errorf("GoName(%s) = %s, want %s", proto, got, want)
		}
	}
	for name, want := range map[string]string{
		"PromotionType": "PromotionTypes", "Party": "Parties", "Bonus": "Bonuses", "Box": "Boxes",
	} {
		if got := schema.Plural(name); got != want {
			t.Errorf("Plural(%s) = %s, want %s", name, got, want)
		}
	}
	if got, want := schema.Snake("PlayerEventType"), "player_event_type"; got != want {
		t.Errorf("Snake(PlayerEventType) = %s, want %s", got, want)
	}
}
