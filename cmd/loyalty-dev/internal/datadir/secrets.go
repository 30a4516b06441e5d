package datadir

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
)

const (
	tokenKeyFile       = "token-key.pem"
	internalTokenFile  = "internal-token"
	ledgerKeyFile      = "ledger-key"
	serverPasswordFile = "server-password"
	adminFile          = "admin.json"

	// DefaultAdminEmail is the default e-mail address of the first admin.
	DefaultAdminEmail = "admin@example.com"
)

// TokenKey returns the key that signs access tokens. The first call creates the key and stores it as PKCS #8 in PEM.
func (d *Dir) TokenKey() (ed25519.PrivateKey, error) {
	path := d.Path(secretsDir, tokenKeyFile)
	content, err := readOrMake(path, func() ([]byte, error) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		return accesstoken.EncodePrivateKey(key)
	})
	if err != nil {
		return nil, err
	}
	key, err := accesstoken.ParsePrivateKey(content)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return key, nil
}

// InternalToken returns the shared secret of the internal RPC. The first call creates and stores the secret.
func (d *Dir) InternalToken() (string, error) { return d.text(internalTokenFile) }

// ServerPassword returns the password of the embedded Redis, Kafka and NATS. The first call creates and stores the password.
func (d *Dir) ServerPassword() (string, error) { return d.text(serverPasswordFile) }

// text returns the content of a file of the secrets directory. If the file does not exist, text creates it with a random
// text.
func (d *Dir) text(file string) (string, error) {
	path := d.Path(secretsDir, file)
	content, err := readOrMake(path, func() ([]byte, error) { return []byte(rand.Text() + "\n"), nil })
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(content))
	if text == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}

// LedgerKey returns the text of the key that computes the MACs of the ledger. The first call creates and stores the key.
func (d *Dir) LedgerKey() (string, error) {
	content, err := readOrMake(d.Path(secretsDir, ledgerKeyFile),
		func() ([]byte, error) { return []byte(ledgerchain.GenerateKey() + "\n"), nil })
	return strings.TrimSpace(string(content)), err
}

// Admin holds the credentials of the first admin.
type Admin struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// CompleteAdmin returns the credentials of the first admin. It replaces each empty field of flags by the stored one of an
// earlier start, or else by the default: DefaultAdminEmail and a random password.
func (d *Dir) CompleteAdmin(flags Admin) (Admin, error) {
	stored, err := ReadAdmin(d.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Admin{}, err
	}
	return Admin{
		Email:    cmp.Or(flags.Email, stored.Email, DefaultAdminEmail),
		Password: cmp.Or(flags.Password, stored.Password, strings.ToLower(rand.Text())),
	}, nil
}

// KeepAdmin stores credentials for the next start and for the tour. Call it only after the platform has accepted them.
func (d *Dir) KeepAdmin(admin Admin) error {
	if stored, err := ReadAdmin(d.path); err == nil && stored == admin {
		return nil
	}
	content, err := json.Marshal(admin) //nolint:gosec // a private file for the developer
	if err != nil {
		return err
	}
	return writeFile(d.Path(secretsDir, adminFile), append(content, '\n'))
}

// ReadAdmin reads the credentials of the admin from the data directory at path. It does not need the lock. The error matches
// fs.ErrNotExist if no credentials are stored.
func ReadAdmin(path string) (Admin, error) {
	path = filepath.Join(path, secretsDir, adminFile)
	content, err := os.ReadFile(path)
	if err != nil {
		return Admin{}, err
	}
	var admin Admin
	if err := json.Unmarshal(content, &admin); err != nil {
		return Admin{}, fmt.Errorf("%s: %w", path, err)
	}
	return admin, nil
}

// readOrMake returns the content of a file. If the file does not exist, readOrMake calls content and creates the file with
// the result.
func readOrMake(path string, content func() ([]byte, error)) ([]byte, error) {
	b, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	if b, err = content(); err != nil {
		return nil, err
	}
	return b, writeFile(path, b)
}
