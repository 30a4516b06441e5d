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
)

const (
	tokenKeyFile      = "token-key.pem"
	internalTokenFile = "internal-token"
	adminFile         = "admin.json"

	// DefaultAdminEmail is the first admin's, unless another is named.
	DefaultAdminEmail = "admin@example.com"
)

// TokenKey is the key that signs access tokens: made once, kept as PKCS #8 in PEM.
func (d *Dir) TokenKey() (ed25519.PrivateKey, error) {
	path := d.Path(secretsDir, tokenKeyFile)
	content, err := readOrMake(path, func() ([]byte, error) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		return accesstoken.EncodeKey(key)
	})
	if err != nil {
		return nil, err
	}
	key, err := accesstoken.ParseKey(content)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return key, nil
}

// InternalToken is the secret that the services show one another: made once.
func (d *Dir) InternalToken() (string, error) {
	path := d.Path(secretsDir, internalTokenFile)
	content, err := readOrMake(path, func() ([]byte, error) { return []byte(rand.Text() + "\n"), nil })
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return token, nil
}

// Admin is how the first admin logs in.
type Admin struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// Admin returns the first admin's credentials: what is given, else what an earlier start used, else the default e-mail
// and a password made up here.
func (d *Dir) Admin(given Admin) (Admin, error) {
	kept, err := ReadAdmin(d.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Admin{}, err
	}
	return Admin{
		Email:    cmp.Or(given.Email, kept.Email, DefaultAdminEmail),
		Password: cmp.Or(given.Password, kept.Password, strings.ToLower(rand.Text())),
	}, nil
}

// KeepAdmin keeps credentials that the platform has taken for the next start, and for the tour.
func (d *Dir) KeepAdmin(admin Admin) error {
	if kept, err := ReadAdmin(d.path); err == nil && kept == admin {
		return nil
	}
	content, err := json.Marshal(admin) //nolint:gosec // for the developer to read, in a private file
	if err != nil {
		return err
	}
	return writeFile(d.Path(secretsDir, adminFile), append(content, '\n'))
}

// ReadAdmin reads the admin's credentials from the data directory at path, which another program may have locked. The
// error is fs.ErrNotExist where no start has written them.
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

// readOrMake returns the file's content, and has it made where the file is missing.
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
