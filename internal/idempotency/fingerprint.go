package idempotency

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/schema/restroute"
)

// Fingerprint identifies a procedure and its request. It is the SHA-256 of both without the secret fields of the request. If
// the request type has secret fields, the id of a key and a MAC of the whole request with this key follow. Without the key,
// the MAC does not help to guess a password.
type Fingerprint []byte

const (
	keyIDSize = 4
	macSize   = 16
)

// SecretKey makes the MACs of requests with secrets. It must not be stored in the database.
type SecretKey []byte

// FingerprintOf returns the fingerprint of a request. The key is only needed if restroute.HasSecrets is true for the request
// type.
func FingerprintOf(procedure string, request proto.Message, key SecretKey) (Fingerprint, error) {
	public := request
	secret := restroute.HasSecrets(request.ProtoReflect().Descriptor())
	if secret {
		public = proto.Clone(request)
		clearSecrets(public.ProtoReflect())
	}
	encoded, err := encode(procedure, public)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(encoded)
	if !secret {
		return sum[:], nil
	}
	if encoded, err = encode(procedure, request); err != nil {
		return nil, err
	}
	f := append(Fingerprint(sum[:]), key.mac([]byte("key id"))[:keyIDSize]...)
	return append(f, key.mac(encoded)[:macSize]...), nil
}

func encode(procedure string, request proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.MarshalAppend(append([]byte(procedure), 0), request)
}

func (k SecretKey) mac(data []byte) []byte {
	h := hmac.New(sha256.New, k)
	h.Write(data)
	return h.Sum(nil)
}

// Matches reports whether both fingerprints are of the same request. MACs of different keys are not compared, so after a
// rotation of the key only the fields that are not secret count.
func (f Fingerprint) Matches(other Fingerprint) bool {
	const sum, id = sha256.Size, sha256.Size + keyIDSize
	if len(f) != len(other) || len(f) < sum || !bytes.Equal(f[:sum], other[:sum]) {
		return false
	}
	return len(f) == sum || !bytes.Equal(f[sum:id], other[sum:id]) || hmac.Equal(f[id:], other[id:])
}

// clearSecrets clears the secret fields of a message. It clears a list or a map of messages with secrets as a whole.
func clearSecrets(m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case restroute.IsSecret(fd):
			m.Clear(fd)
		case fd.Message() == nil || !restroute.HasSecrets(fd.Message()):
		case fd.IsList() || fd.IsMap():
			m.Clear(fd)
		default:
			clearSecrets(v.Message())
		}
		return true
	})
}
