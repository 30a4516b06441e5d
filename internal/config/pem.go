package config

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"regexp"
	"strings"
	"unicode"
)

const (
	pemBegin = "-----BEGIN "
	pemEnd   = "-----END "
)

// PEM is a setting that holds keys in canonical PEM form. The input may be PEM blocks, or keys in base64 (DER without the
// PEM lines) that are separated by commas or white space. A PEM block may be in one line, as in an env file, with the two
// characters "\n" or with spaces in place of the line breaks.
type PEM string

// UnmarshalText converts text to canonical PEM. Its error does not show the text.
func (p *PEM) UnmarshalText(text []byte) error {
	value := strings.NewReplacer(`\r`, "", `\n`, "\n", "\r", "").Replace(string(text))
	var canonical string
	if strings.Contains(value, pemBegin) {
		canonical = canonicalPEM(value)
	} else {
		canonical = fromBase64(value)
	}
	switch {
	case canonical != "":
		*p = PEM(canonical)
		return nil
	case strings.Contains(value, pemBegin) && !strings.Contains(value, pemEnd):
		return &ValueError{Text: `holds a PEM block without its last line: write the block in one line, with \n between ` +
			"its lines, or name its file in the setting with the suffix _FILE"}
	}
	return &ValueError{Text: `must be a key in PEM, "-----BEGIN ..." to "-----END ...", or in base64 as loyalty keygen ` +
		"prints it"}
}

// pemBlock matches a block whose line breaks may have become spaces.
var pemBlock = regexp.MustCompile(`-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END ([A-Z0-9 ]+)-----`)

// canonicalPEM returns the PEM blocks of text in canonical form. It returns an empty string if a block is malformed.
func canonicalPEM(text string) string {
	blocks := pemBlock.FindAllStringSubmatch(text, -1)
	if len(blocks) != strings.Count(text, pemBegin) {
		return ""
	}
	var out strings.Builder
	for _, b := range blocks {
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(b[2]), ""))
		if err != nil || b[1] != b[3] {
			return ""
		}
		out.Write(pem.EncodeToMemory(&pem.Block{Type: b[1], Bytes: der}))
	}
	return out.String()
}

// fromBase64 converts keys in base64 to PEM blocks. It returns an empty string if text contains anything else.
func fromBase64(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	var out strings.Builder
	for _, word := range words {
		block := keyBlock(word)
		if block == "" {
			return keyBlock(strings.Join(words, "")) // perhaps one key in several lines
		}
		out.WriteString(block)
	}
	return out.String()
}

func keyBlock(text string) string {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	if _, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	if _, err := x509.ParsePKIXPublicKey(der); err == nil {
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	return ""
}
