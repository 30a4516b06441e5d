package fields

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// UUID returns the canonical text of a UUID, empty for the zero UUID.
func UUID(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

// Present returns a pointer to s for an optional field, nil if s is empty.
func Present(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Time returns the timestamp of t, nil for the zero time.
func Time(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// TimeText returns the text of t in RFC 3339, empty for the zero time. It has the form of a timestamp in JSON.
func TimeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	text := t.UTC().Format("2006-01-02T15:04:05.000000000")
	text = strings.TrimSuffix(strings.TrimSuffix(text, "000"), "000")
	return strings.TrimSuffix(text, ".000") + "Z"
}

// Struct returns the Struct of a JSON object, empty for nil. Values of types that a Struct cannot hold are converted with
// encoding/json. Values that encoding/json cannot convert are left out.
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

// Slice converts each element of from. It never returns nil.
func Slice[From, To any](from []From, convert func(From) To) []To {
	to := make([]To, len(from))
	for i, v := range from {
		to[i] = convert(v)
	}
	return to
}
