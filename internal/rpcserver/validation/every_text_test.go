package validation_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1" // its requests are checked
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"    // its requests are checked
	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"         // its requests are checked
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
)

// TestEveryTextRefusesControlCharacters sets every text field of every request to texts that contain control characters or
// that PostgreSQL cannot store. Each text must cause a violation of the field. Redacted fields, such as passwords and
// tokens, are not tested, because the domain checks them.
func TestEveryTextRefusesControlCharacters(t *testing.T) {
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	var checked []string
	for _, request := range requests() {
		for _, path := range textFields(request) {
			checked = append(checked, string(request.Name())+"."+jsonPath(path))
			for _, text := range []string{"\x00", "a\x00b", "\x1b", "\v", "a\r", "\x7f", "\u0085", "\u202e", "\xff", "a\xc0\x80"} {
				violations, err := v.Check(withText(request, path, text))
				names := func(v apperr.Violation) bool { // the field, or the read-only message that contains it
					return v.Field != "" && strings.HasPrefix(jsonPath(path)+".", v.Field+".")
				}
				if err != nil || !slices.ContainsFunc(violations, names) {
					t.Errorf("%s.%s = %q: violations %v, %v; want one of the field", request.Name(), jsonPath(path), text, violations, err)
				}
			}
		}
	}
	for _, known := range []string{
		"ListUsersRequest.email", "ListPromotionsRequest.title", "MarkReadRequest.ids[0]", "CreatePromotionRequest.promotion.title",
	} {
		if !slices.Contains(checked, known) {
			t.Errorf("%s was not checked; checked %s", known, strings.Join(checked, ", "))
		}
	}
}

// requests returns the request messages of all services.
func requests() (all []protoreflect.MessageDescriptor) {
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "loyalty.") {
			return true
		}
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				all = append(all, methods.Get(j).Input())
			}
		}
		return true
	})
	return all
}

// textFields returns the paths of the text fields of a message and of its nested messages, except redacted fields.
func textFields(md protoreflect.MessageDescriptor) (paths [][]protoreflect.FieldDescriptor) {
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		options, _ := fd.Options().(*descriptorpb.FieldOptions)
		switch {
		case fd.IsMap() || options.GetDebugRedact():
		case fd.Kind() == protoreflect.StringKind:
			paths = append(paths, []protoreflect.FieldDescriptor{fd})
		case fd.Message() != nil && !fd.IsList() && fd.Message().ParentFile().Package() != "google.protobuf":
			for _, rest := range textFields(fd.Message()) {
				paths = append(paths, append([]protoreflect.FieldDescriptor{fd}, rest...))
			}
		}
	}
	return paths
}

func jsonPath(path []protoreflect.FieldDescriptor) string {
	var names []string
	for _, fd := range path {
		names = append(names, fd.JSONName())
	}
	if path[len(path)-1].IsList() {
		names[len(names)-1] += "[0]"
	}
	return strings.Join(names, ".")
}

// withText returns a message in which only the text at a path is set.
func withText(md protoreflect.MessageDescriptor, path []protoreflect.FieldDescriptor, text string) *dynamicpb.Message {
	m := dynamicpb.NewMessage(md)
	var at protoreflect.Message = m
	for _, fd := range path[:len(path)-1] {
		at = at.Mutable(fd).Message()
	}
	value := protoreflect.ValueOfString(text)
	if fd := path[len(path)-1]; fd.IsList() {
		at.Mutable(fd).List().Append(value)
	} else {
		at.Set(fd, value)
	}
	return m
}
