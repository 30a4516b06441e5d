package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
)

// TestAnswersHaveTheMembersOfTheSchema fails if a field was added to an answer. Add it to the type of the bare server, too.
func TestAnswersHaveTheMembersOfTheSchema(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answer  any
		message proto.Message
	}{
		{user{}, &usersv1.User{}},
		{session{}, &usersv1.LoginResponse{}}, // the answer to a refresh has the same members without the user
		{promotion{}, &promotionsv1.Promotion{}},
		{assignment{}, &promotionsv1.Assignment{}},
		{assignments{}, &promotionsv1.ListPlayerPromotionsResponse{}},
		{claimed{}, &promotionsv1.ClaimResponse{}},
		{transaction{}, &usersv1.Transaction{}},
	} {
		if got, want := membersOf(c.answer), membersOfMessage(c.message); !slices.Equal(got, want) {
			t.Errorf("%T: got %q, want %q", c.answer, got, want)
		}
	}
}

func membersOf(answer any) (names []string) {
	for field := range reflect.TypeOf(answer).Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// membersOfMessage returns the JSON names of the fields that answers to players have.
func membersOfMessage(m proto.Message) (names []string) {
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		behavior := proto.GetExtension(fields.Get(i).Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
		staffOnly := proto.GetExtension(fields.Get(i).Options(), optionsv1.E_StaffOnly).(bool)
		if !slices.Contains(behavior, annotations.FieldBehavior_INPUT_ONLY) && !staffOnly {
			names = append(names, fields.Get(i).JSONName())
		}
	}
	slices.Sort(names)
	return names
}
