package fields

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// UUID writes the canonical text of an id, nothing for none.
func UUID(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

// Present returns s for a field that tells absence: nil for nothing.
func Present(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Time writes an instant, nil for none.
func Time(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// Struct writes a JSON object, an empty one for nil. What protobuf's Struct cannot hold as it is, such as numbers of
// other types than float64, travels in the form that encoding/json gives it; what has none is left out.
func Struct(m map[string]any) *structpb.Struct {
	if s, err := structpb.NewStruct(m); err == nil {
		return s
	}
	s := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(m))}
	for k, v := range m {
		text, err := json.Marshal(v)
		if err != nil {
			continue
		}
		value := &structpb.Value{}
		if value.UnmarshalJSON(text) == nil {
			s.Fields[k] = value
		}
	}
	return s
}

// Slice converts each element, to an empty slice for none.
func Slice[From, To any](from []From, convert func(From) To) []To {
	to := make([]To, len(from))
	for i, v := range from {
		to[i] = convert(v)
	}
	return to
}
