package validation

import (
	"slices"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/limits"
)

// plan lists the checks of a message type. It is compiled once from the message descriptor.
type plan struct {
	fields []field
	update *update
}

// field is a field that needs normalization or checks.
type field struct {
	fd protoreflect.FieldDescriptor
	// text is true for strings that are checked and, unless verbatim is true, normalized. maxText is their maximum length in
	// characters.
	text, verbatim bool
	maxText        int
	// form is true for enums and timestamps. Protobuf accepts values outside of their valid range.
	form bool
	// immutable is also true for primary keys, references and created_at; see Column.Fixed in package schema.
	required, outputOnly, immutable bool
	column                          *optionsv1.Column
	// nested returns the plan of a message field. It is a function because messages can contain themselves.
	nested func() *plan
}

// update describes a request that changes some fields of a resource.
type update struct {
	mask, resource protoreflect.FieldDescriptor
}

const (
	fieldMask = "google.protobuf.FieldMask"
	timestamp = "google.protobuf.Timestamp"
)

func (v *Validator) plan(md protoreflect.MessageDescriptor) *plan {
	if p, ok := v.plans.Load(md.FullName()); ok {
		return p.(*plan)
	}
	p, _ := v.plans.LoadOrStore(md.FullName(), v.compile(md))
	return p.(*plan)
}

func (v *Validator) compile(md protoreflect.MessageDescriptor) *plan {
	p := &plan{update: updateOf(md)}
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		behavior, _ := proto.GetExtension(fd.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
		f := field{
			fd:         fd,
			text:       fd.Kind() == protoreflect.StringKind && !fd.IsMap() && !redacted(fd),
			required:   slices.Contains(behavior, annotations.FieldBehavior_REQUIRED),
			outputOnly: slices.Contains(behavior, annotations.FieldBehavior_OUTPUT_ONLY),
			immutable:  slices.Contains(behavior, annotations.FieldBehavior_IMMUTABLE),
		}
		if f.text {
			f.verbatim = isVerbatim(fd)
			f.maxText = limits.MaxText(fd)
		}
		if fd.Kind() == protoreflect.StringKind && proto.HasExtension(fd.Options(), optionsv1.E_Column) {
			f.column, _ = proto.GetExtension(fd.Options(), optionsv1.E_Column).(*optionsv1.Column)
		}
		if nested := fd.Message(); nested != nil && !fd.IsMap() && nested.ParentFile().Package() != "google.protobuf" {
			f.nested = func() *plan { return v.plan(nested) }
		}
		f.form = fd.Kind() == protoreflect.EnumKind || fd.Message() != nil && fd.Message().FullName() == timestamp
		f.immutable = f.immutable || f.column.GetPrimary() || f.column.GetReferences() != "" || fd.Name() == "created_at"
		f.required = f.required || f.column.GetPrimary() && !f.outputOnly
		if f.text || f.form || f.required || f.outputOnly || f.immutable || f.column != nil || f.nested != nil {
			p.fields = append(p.fields, f)
		}
	}
	return p
}

// updateOf returns the update that a message describes, or nil. An update has an update_mask and exactly one other message
// field that is not repeated, the resource.
func updateOf(md protoreflect.MessageDescriptor) *update {
	mask := md.Fields().ByName("update_mask")
	if mask == nil || mask.Message() == nil || mask.Message().FullName() != fieldMask {
		return nil
	}
	u := &update{mask: mask}
	for i := range md.Fields().Len() {
		if fd := md.Fields().Get(i); fd != mask && fd.Message() != nil && fd.Cardinality() != protoreflect.Repeated {
			if u.resource != nil {
				return nil
			}
			u.resource = fd
		}
	}
	if u.resource == nil {
		return nil
	}
	return u
}

// isVerbatim reports whether a string is not normalized, because it has a format or identifies something.
func isVerbatim(fd protoreflect.FieldDescriptor) bool {
	column, _ := proto.GetExtension(fd.Options(), optionsv1.E_Column).(*optionsv1.Column)
	switch column.GetType() {
	case optionsv1.ColumnType_UUID, optionsv1.ColumnType_DATE, optionsv1.ColumnType_TIMESTAMP:
		return true
	case optionsv1.ColumnType_MONEY: // otherwise a blank amount would count as absent
		return mayBeAbsent(column)
	default:
	}
	rules, _ := proto.GetExtension(fd.Options(), validate.E_Field).(*validate.FieldRules)
	if fd.IsList() {
		rules = rules.GetRepeated().GetItems()
	}
	verbatim, _ := proto.GetExtension(fd.Options(), optionsv1.E_Verbatim).(bool)
	return verbatim || rules.GetString().GetUuid() || len(rules.GetString().GetIn()) > 0
}

// mayBeAbsent reports whether an empty text means that an amount, a date or a UUID has no value.
func mayBeAbsent(column *optionsv1.Column) bool {
	return column.GetNullable() || column.GetDefault() != "" || column.GetType() != optionsv1.ColumnType_MONEY
}

func redacted(fd protoreflect.FieldDescriptor) bool {
	options, ok := fd.Options().(*descriptorpb.FieldOptions)
	return ok && options.GetDebugRedact()
}
