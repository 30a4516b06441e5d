package restroute

import (
	"net/http"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

// HeaderIdempotencyKey is the header with the key of a call that the client may repeat.
const HeaderIdempotencyKey = "Idempotency-Key"

// Idempotency says how an RPC uses the header Idempotency-Key.
type Idempotency int

// The kinds of idempotency.
const (
	// NoKey means that the RPC ignores the header.
	NoKey Idempotency = iota
	// StoredAnswer means that the server stores the first answer of a key and repeats it.
	StoredAnswer
	// OwnKey means that the use case reads the header, as declared by the option header.
	OwnKey
)

// IdempotencyOf returns how an RPC uses the header Idempotency-Key. The server stores the answers of all public RPCs that
// change something, so of all verbs but GET. Exceptions are RPCs whose answer contains a secret, because secrets are not
// stored, and RPCs that take a refresh token: rotation and logout are safe to repeat without a key.
func IdempotencyOf(md protoreflect.MethodDescriptor) (Idempotency, error) {
	routes, err := Of(md)
	if err != nil {
		return NoKey, err
	}
	headers, _ := proto.GetExtension(md.Options(), optionsv1.E_Header).([]*optionsv1.Header)
	access, _ := proto.GetExtension(md.Options(), optionsv1.E_Access).(*optionsv1.Access)
	changes := slices.ContainsFunc(routes, func(r Route) bool { return r.Verb != http.MethodGet })
	switch {
	case slices.ContainsFunc(headers, func(h *optionsv1.Header) bool { return h.GetName() == HeaderIdempotencyKey }):
		return OwnKey, nil
	case !changes, access.GetRefreshToken(), HasSecrets(md.Output()):
		return NoKey, nil
	default:
		return StoredAnswer, nil
	}
}

// IsSecret reports whether a field has the option debug_redact, as passwords and tokens have.
func IsSecret(fd protoreflect.FieldDescriptor) bool {
	options, ok := fd.Options().(*descriptorpb.FieldOptions)
	return ok && options.GetDebugRedact()
}

// HasSecrets reports whether a message type has a secret field, itself or in the messages that it contains.
func HasSecrets(md protoreflect.MessageDescriptor) bool {
	return hasSecrets(md, map[protoreflect.FullName]bool{})
}

func hasSecrets(md protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[md.FullName()] {
		return false
	}
	seen[md.FullName()] = true
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if IsSecret(fd) || fd.Message() != nil && hasSecrets(fd.Message(), seen) {
			return true
		}
	}
	return false
}
