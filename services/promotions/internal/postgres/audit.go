package postgres

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/producer"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// record appends an entry about the act in ctx to the outbox, in the caller's transaction. The users service keeps the audit
// trail. record does nothing if the call is not audited.
func record(ctx context.Context, tx postgres.Execer, c audit.Change) error {
	act := audit.From(ctx)
	if act == nil {
		return nil
	}
	entry, err := act.Entry(time.Now().UTC().Truncate(time.Microsecond), c, nil)
	if err != nil {
		return err
	}
	e, err := producer.ActRecorded(entry)
	if err != nil {
		return err
	}
	return outbox.Append(ctx, tx, e)
}

// recordPromotion records a change of a promotion. The promotion before is nil if p is new.
func recordPromotion(ctx context.Context, tx postgres.Execer, before *domain.Promotion, p domain.Promotion) error {
	if audit.From(ctx) == nil {
		return nil
	}
	c := audit.Change{Target: p.ID}
	var err error
	if c.After, err = members(p); err != nil {
		return err
	}
	if before != nil {
		if c.Before, err = members(*before); err != nil {
			return err
		}
		maps.DeleteFunc(c.After, func(name string, value any) bool { return reflect.DeepEqual(value, c.Before[name]) })
		maps.DeleteFunc(c.Before, func(name string, _ any) bool { return c.After[name] == nil })
	}
	return record(ctx, tx, c)
}

// members returns the members of a promotion as in the API, without the usage, which employees do not change.
func members(p domain.Promotion) (map[string]any, error) {
	data, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(wire.FromPromotion(p))
	if err != nil {
		return nil, err
	}
	m := map[string]any{}
	err = json.Unmarshal(data, &m)
	delete(m, "usage")
	return m, err
}
