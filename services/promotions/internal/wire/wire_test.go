package wire_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/entitytest"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

func promotion(t *testing.T) promotions.Promotion {
	t.Helper()
	start, err := date.Parse("2026-03-01")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 2, 28, 1, 2, 3, 456789000, time.UTC)
	return promotions.Promotion{
		ID: uuid.New(), Title: "Welcome", Description: "d", Type: promotions.PromotionTypeWelcomeBonus, Amount: 2050,
		StartDate: start, EndDate: start.AddDays(30), CreatedAt: at, UpdatedAt: at.Add(time.Hour),
	}
}

// fieldsOf returns the names of the fields in an error, separated by spaces.
func fieldsOf(err error) string {
	if err == nil {
		return ""
	}
	var names []string
	for wrong := range strings.SplitSeq(err.Error(), "; ") {
		name, _, _ := strings.Cut(wrong, ":")
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func TestPromotionRoundTrip(t *testing.T) {
	t.Parallel()
	p := promotions.Promotion{Type: promotions.PromotionTypeBonus, State: promotions.PromotionStatePaused}
	new(entitytest.Filler).Fill(t, &p)
	m := wire.FromPromotion(p)
	if m.GetState() != promotionsv1.PromotionState_PAUSED {
		t.Errorf("got state %s, want PAUSED", m.GetState())
	}
	got, err := wire.ToPromotion(m)
	if err != nil {
		t.Fatal(err)
	}
	p.State, p.Usage = "", promotions.PromotionUsage{} // output-only
	p.InactiveAs = ""                                  // private
	entitytest.AssertEqual(t, "promotion", got, p)
}

func TestFromAssignment(t *testing.T) {
	t.Parallel()
	p := promotion(t)
	a := promotions.Assignment{
		Promotion: &p, State: promotions.AssignmentStateAssigned, Source: promotions.AssignmentSourceJob,
	}
	new(entitytest.Filler).Fill(t, &a)
	m := wire.FromAssignment(a).ProtoReflect()
	for i := range m.Descriptor().Fields().Len() {
		if f := m.Descriptor().Fields().Get(i); !m.Has(f) {
			t.Errorf("the message does not have field %s", f.Name())
		}
	}
	without := a
	without.Title, without.ClaimID = "", ""
	if !proto.Equal(wire.FromAssignment(a), wire.FromAssignment(without)) {
		t.Error("the message contains Title or ClaimID, which clients must not see")
	}
	bare := wire.FromAssignment(promotions.Assignment{ID: a.ID, UserID: a.UserID, PromotionID: a.PromotionID, Amount: 1})
	if bare.TransactionId != nil || bare.GetClaimedAt() != nil || bare.GetAssignedBy() != "" {
		t.Errorf("got %v, want no optional fields", bare)
	}
}

func TestToPromotionSetsDefaults(t *testing.T) {
	t.Parallel()
	m := wire.FromPromotion(promotion(t))
	m.IsActive, m.Id, m.CreatedAt, m.UpdatedAt = nil, "", nil, nil
	p, err := wire.ToPromotion(m)
	if err != nil || !p.IsActive || p.ID != uuid.Nil || !p.CreatedAt.IsZero() {
		t.Errorf("got %+v, %v, want an active promotion without id and creation time", p, err)
	}
}

func TestErrorNamesEveryInvalidField(t *testing.T) {
	t.Parallel()
	_, err := wire.ToPromotion(&promotionsv1.Promotion{
		Id: "x", Type: 99, Amount: "1e3", StartDate: "2026-02-30",
	})
	if got, want := fieldsOf(err), "id title type amount startDate endDate"; got != want {
		t.Errorf("the error names %s, want %s", got, want)
	}
	if _, err := wire.ToPromotion(nil); fieldsOf(err) != "title type amount startDate endDate" {
		t.Errorf("nil: got %v, want an error that names the required fields", err)
	}
}

// The fields balanceAfter, description and createdAt are optional.
func TestToTransaction(t *testing.T) {
	t.Parallel()
	full := func() *usersv1.Transaction {
		return &usersv1.Transaction{
			Id: uuid.NewString(), UserId: uuid.NewString(), Type: usersv1.TransactionType_CREDIT, Amount: "20.00",
		}
	}
	if _, err := wire.ToTransaction(full()); err != nil {
		t.Error(err)
	}
	for field, drop := range map[string]func(*usersv1.Transaction){
		"id":      func(m *usersv1.Transaction) { m.Id = "" },
		"user_id": func(m *usersv1.Transaction) { m.UserId = "" },
		"type":    func(m *usersv1.Transaction) { m.Type = 0 },
		"amount":  func(m *usersv1.Transaction) { m.Amount = "" },
	} {
		m := full()
		drop(m)
		if _, err := wire.ToTransaction(m); fieldsOf(err) != field {
			t.Errorf("without %s: got %v, want an error that names the field", field, err)
		}
	}
	if _, err := wire.ToTransaction(nil); fieldsOf(err) != "id user_id type amount" {
		t.Errorf("nil: got %v, want an error that names the required fields", err)
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	p := promotion(t)
	got := p
	src := &promotionsv1.Promotion{Title: "new", Amount: "1", StartDate: "2026-04-01", IsActive: new(true)}
	if err := wire.MaskPromotion(&got, src, []string{"title", "is_active", "start_date"}); err != nil {
		t.Fatal(err)
	}
	want := p
	want.Title, want.IsActive = "new", true
	want.StartDate = p.StartDate.AddDays(31)
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// These paths are unknown, cannot be set by clients or have an invalid value in src.
	for _, path := range []string{"id", "created_at", "updated_at", "type", "nothing", "", "*", "isActive", "end_date"} {
		got := p
		err := wire.MaskPromotion(&got, src, []string{"title", path})
		if err == nil {
			t.Errorf("path %q: got no error", path)
		}
		if got != p {
			t.Errorf("path %q: the promotion changed to %+v", path, got)
		}
	}
}

// Validation accepts a field in an update mask if and only if MaskPromotion can set it.
func TestMaskAndValidationAgree(t *testing.T) {
	t.Parallel()
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	src := wire.FromPromotion(promotion(t))
	settable := 0
	for i := range src.ProtoReflect().Descriptor().Fields().Len() {
		path := string(src.ProtoReflect().Descriptor().Fields().Get(i).Name())
		r := &promotionsv1.UpdatePromotionRequest{
			PromotionId: src.GetId(), Promotion: proto.CloneOf(src), UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{path}},
		}
		violations, err := v.Check(r)
		if err != nil {
			t.Fatal(err)
		}
		p := promotion(t)
		masked := wire.MaskPromotion(&p, r.GetPromotion(), r.GetUpdateMask().GetPaths())
		if (masked == nil) != (len(violations) == 0) {
			t.Errorf("%s: validation found %v, MaskPromotion returned %v", path, violations, masked)
		}
		if masked == nil {
			settable++
		}
	}
	if settable == 0 {
		t.Error("no field can be set")
	}
}

func TestEnums(t *testing.T) {
	t.Parallel()
	for _, v := range promotions.PromotionTypes() {
		m := wire.FromPromotionType(v)
		if got := wire.ToPromotionType(m); got != v || m.String() != string(v) {
			t.Errorf("%s converts to %s and back to %s, want equal names", v, m, got)
		}
	}
	if wire.ToPromotionType(99) != "" || wire.FromPromotionType("NOTHING") != 0 {
		t.Error("an unknown value is converted, want the zero value")
	}
}
