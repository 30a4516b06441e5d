package password

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

var errHash = errors.New("the stored password hash is not an Argon2id hash in the PHC string format")

// format returns a hash in the PHC string format, "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>".
func format(p Params, salt, key []byte) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, p.Memory, p.Passes, p.Threads, b.EncodeToString(salt), b.EncodeToString(key))
}

// parse returns the parts of a hash in the PHC string format. Its error does not contain the hash.
func parse(hash string) (p Params, salt, key []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errHash
	}
	if p, err = parseParams(parts[3]); err != nil {
		return p, nil, nil, err
	}
	b := base64.RawStdEncoding.Strict()
	salt, err1 := b.DecodeString(parts[4])
	key, err2 := b.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return p, nil, nil, errHash
	}
	return p, salt, key, nil
}

// parseParams parses parameters such as "m=19456,t=2,p=1".
func parseParams(s string) (Params, error) {
	values := strings.Split(s, ",")
	if len(values) != 3 {
		return Params{}, errHash
	}
	var n [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(values[i], name)
		v, err := strconv.ParseUint(digits, 10, []int{32, 32, 8}[i])
		if !ok || err != nil || strconv.FormatUint(v, 10) != digits {
			return Params{}, errHash
		}
		n[i] = v
	}
	p := Params{Memory: uint32(n[0]), Passes: uint32(n[1]), Threads: uint8(n[2])}
	if p.Validate() != nil {
		return Params{}, errHash
	}
	return p, nil
}
