package users

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// DeviceLifetime is the time for which a device is known after a login.
const DeviceLifetime = 180 * 24 * time.Hour

// deviceSize is the size of a device token in bytes, without its signature: the time of the login, the status version of the
// user at the login, and random bytes.
const deviceSize = 8 + 8 + 16

// devices issues and verifies device tokens. A device token shows that its holder has logged in to an account before. It is
// signed, so nothing is stored. It gives no access: a known device only has its own budget of failed logins.
type devices struct {
	key []byte
	now func() time.Time
}

// issue returns a new device token for an account whose user has a status version.
func (d devices) issue(account string, version int64) string {
	token := binary.BigEndian.AppendUint64(nil, uint64(d.now().Unix()))
	token = binary.BigEndian.AppendUint64(token, uint64(version))
	token = append(token, make([]byte, deviceSize-len(token))...)
	_, _ = rand.Read(token[16:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(append(token, d.sign(token, account)...))
}

// known reports whether token was issued for the account within DeviceLifetime. It returns the status version in the token.
func (d devices) known(token, account string) (version int64, known bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != deviceSize+sha256.Size || !hmac.Equal(b[deviceSize:], d.sign(b[:deviceSize], account)) {
		return 0, false
	}
	age := d.now().Unix() - int64(binary.BigEndian.Uint64(b))
	return int64(binary.BigEndian.Uint64(b[8:])), age < int64(DeviceLifetime.Seconds())
}

func (d devices) sign(token []byte, account string) []byte {
	mac := hmac.New(sha256.New, d.key)
	mac.Write(token)
	mac.Write([]byte(account))
	return mac.Sum(nil)
}
