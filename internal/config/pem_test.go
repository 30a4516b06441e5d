package config_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/config"
)

type keySettings struct {
	Key   config.PEM `env:"LOYALTY_TOKEN_KEY,required,notEmpty"`
	Other string     `env:"LOYALTY_OTHER"`
}

// testKey returns a private key in DER and in PEM.
func testKey(t *testing.T, seed byte) (der []byte, block string) {
	t.Helper()
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestPEMForms(t *testing.T) {
	t.Parallel()
	der, block := testKey(t, 'a')
	der2, block2 := testKey(t, 'b')
	oneLine := strings.ReplaceAll(block, "\n", `\n`)
	encoded, encoded2 := base64.StdEncoding.EncodeToString(der), base64.StdEncoding.EncodeToString(der2)
	for name, tt := range map[string]struct{ value, want string }{
		"PEM":                            {block, block},
		"PEM without the last newline":   {strings.TrimSpace(block), block},
		"newlines at both ends":          {"\n\n" + block + "\n\n", block},
		"CRLF":                           {strings.ReplaceAll(block, "\n", "\r\n"), block},
		"byte order mark":                {"\ufeff" + block, block},
		"escaped newlines":               {oneLine, block},
		"escaped newlines except at end": {strings.TrimSuffix(oneLine, `\n`), block},
		"escaped CRLF":                   {strings.ReplaceAll(block, "\n", `\r\n`), block},
		"escaped newlines and CRLF":      {oneLine + "\r\n", block},
		"spaces for newlines":            {strings.ReplaceAll(strings.TrimSpace(block), "\n", " "), block},
		"base64":                         {encoded, block},
		"base64 in two lines":            {encoded[:30] + "\n" + encoded[30:] + "\n", block},
		"two blocks":                     {block + block2, block + block2},
		"two blocks in one line":         {oneLine + strings.ReplaceAll(block2, "\n", `\n`), block + block2},
		"two keys in base64":             {encoded + "," + encoded2, block + block2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, []byte(tt.value), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, environ := range []string{"LOYALTY_TOKEN_KEY=" + tt.value, "LOYALTY_TOKEN_KEY_FILE=" + path} {
				got, err := config.From[keySettings]([]string{environ})
				if err != nil || string(got.Key) != tt.want {
					t.Errorf("key %q, %v, want %q", got.Key, err, tt.want)
				}
			}
		})
	}
}

func TestPEMErrors(t *testing.T) {
	t.Parallel()
	_, block := testKey(t, 'a')
	secret := strings.Split(block, "\n")[1]
	for name, tt := range map[string]struct{ value, want string }{
		"no key":            {secret[:20], "must be a key in PEM"},
		"double quotes":     {`"` + block + `"`, "is in quotes"},
		"single quotes":     {"'" + strings.ReplaceAll(block, "\n", `\n`) + "'\n", "is in quotes"},
		"first line only":   {"-----BEGIN PRIVATE KEY-----", "holds a PEM block without its last line"},
		"end missing":       {strings.Split(block, "-----END")[0], "holds a PEM block without its last line"},
		"damaged":           {strings.Replace(block, secret, secret[:20]+"!"+secret[21:], 1), "must be a key in PEM"},
		"second is damaged": {block + strings.Replace(block, secret, "!", 1), "must be a key in PEM"},
		"empty":             {"", "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.From[keySettings]([]string{"LOYALTY_TOKEN_KEY=" + tt.value})
			if err == nil || !strings.Contains(err.Error(), "LOYALTY_TOKEN_KEY "+tt.want) || strings.Contains(err.Error(), secret[:20]) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// A PEM block in a settings file has several lines, for example after echo "LOYALTY_TOKEN_KEY=$(cat key.pem)" >> settings.
func TestSettingsFileWithPEMBlock(t *testing.T) {
	t.Parallel()
	_, block := testKey(t, 'a')
	path := filepath.Join(t.TempDir(), "settings")
	content := "export LOYALTY_TOKEN_KEY=" + block + "LOYALTY_OTHER=x=y\n"
	for _, content := range []string{content, strings.ReplaceAll(content, "\n", "\r\n")} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := config.LoadWith[keySettings](path)
		if err != nil || string(got.Key) != block || got.Other != "x=y" {
			t.Errorf("settings %+v, %v", got, err)
		}
	}
}
