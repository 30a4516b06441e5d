package verify

import (
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/schema/registry"
)

// TestActsMatchTheSchema checks that the check of the audit trail knows each action of the schema, and the service of each
// audited method.
func TestActsMatchTheSchema(t *testing.T) {
	t.Parallel()
	known := acts()
	for number, name := range optionsv1.AuditAction_name {
		if _, ok := known[name]; ok != (number != 0) {
			t.Errorf("action %s is known: %t", name, ok)
		}
	}
	if len(known) != len(optionsv1.AuditAction_name)-1 {
		t.Errorf("got %d actions, the schema has %d", len(known), len(optionsv1.AuditAction_name)-1)
	}
	for _, service := range []string{"users", "promotions", "notifications"} {
		for _, method := range registry.Methods(protoreflect.FullName("loyalty." + service)) {
			action, ok := registry.Audited(method)
			if of := known[action.String()].service; ok && of != service {
				t.Errorf("%s records %s, but the check expects it from %q", service, action, of)
			}
		}
	}
}

// TestChanges checks which values the changes of a state can lead to.
func TestChanges(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	type change struct {
		minute int
		after  bool
	}
	for name, tt := range map[string]struct {
		changes  []change
		complete bool
		// yes and no are whether the changes can lead to true and to false, from true if they are complete.
		yes, no bool
	}{
		"none, complete":                      {nil, true, true, false},
		"none":                                {nil, false, true, true},
		"cleared, complete":                   {[]change{{0, false}}, true, false, true},
		"cleared":                             {[]change{{0, false}}, false, false, true},
		"set, complete":                       {[]change{{0, true}}, true, false, false},
		"set":                                 {[]change{{0, true}}, false, true, false},
		"cleared and set":                     {[]change{{0, false}, {6, true}}, false, true, false},
		"set and cleared":                     {[]change{{0, true}, {6, false}}, false, false, true},
		"set and cleared, at about one time":  {[]change{{0, true}, {4, false}}, false, true, true},
		"set and cleared, complete":           {[]change{{0, true}, {4, false}}, true, true, false},
		"cleared twice":                       {[]change{{0, false}, {6, false}}, false, false, false},
		"cleared twice, at about one time":    {[]change{{0, false}, {4, false}}, false, false, false},
		"cleared, set, cleared":               {[]change{{0, false}, {6, true}, {7, false}}, false, false, true},
		"cleared, set, cleared, and complete": {[]change{{0, false}, {1, true}, {7, false}}, true, false, true},
	} {
		var c changes
		for _, change := range tt.changes {
			c.add(at.Add(time.Duration(change.minute)*time.Minute), change.after)
		}
		yes, no := c.leadsTo(true, true, tt.complete), c.leadsTo(false, true, tt.complete)
		if yes != tt.yes || no != tt.no {
			t.Errorf("%s: leads to true: %t, to false: %t; want %t and %t", name, yes, no, tt.yes, tt.no)
		}
	}
}
