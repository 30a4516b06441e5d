package rpcserver

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
)

func TestCells(t *testing.T) {
	t.Parallel()
	text := (&optionsv1.Header{}).ProtoReflect().Descriptor().Fields().ByName("name")
	kind := (&descriptorpb.FieldDescriptorProto{}).ProtoReflect().Descriptor().Fields().ByName("type")
	count := (&promotionsv1.PromotionDayStats{}).ProtoReflect().Descriptor().Fields().ByName("claimed")
	for _, tt := range []struct {
		fd    protoreflect.FieldDescriptor
		value any
		want  string
	}{
		{text, "plain", "plain"},
		{text, "", ""},
		{text, "=1+1", "'=1+1"},
		{text, "+1", "'+1"},
		{text, "-1", "'-1"},
		{text, "@name", "'@name"},
		{text, "\t=1", "'\t=1"},
		{kind, protoreflect.EnumNumber(descriptorpb.FieldDescriptorProto_TYPE_STRING), "TYPE_STRING"},
		{kind, protoreflect.EnumNumber(99), "99"},
		{count, int32(-3), "-3"},
	} {
		if got := csvCell(tt.fd, protoreflect.ValueOf(tt.value)); got != tt.want {
			t.Errorf("csvCell(%v) = %q, want %q", tt.value, got, tt.want)
		}
	}
}

func TestListsForCSV(t *testing.T) {
	t.Parallel()
	list, err := csvList((&promotionsv1.PromotionStats{}).ProtoReflect().Descriptor())
	if err != nil || list == nil || list.Name() != "series" {
		t.Errorf("got %v, %v, want the field series", list, err)
	}
	if list, err = csvList((&promotionsv1.Promotion{}).ProtoReflect().Descriptor()); err != nil || list != nil {
		t.Errorf("got %v, %v, want none", list, err)
	}
}
