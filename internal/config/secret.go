package config

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxText is the largest file or input, in bytes, that is read as text.
const maxText = 1 << 20

// ReadText reads r up to its end and returns it as UTF-8 without a byte order mark. Text with the byte order mark of
// UTF-16 is converted. Editors and shells add these marks; none is part of the content.
func ReadText(r io.Reader) (string, error) {
	text, err := io.ReadAll(decode(r))
	return string(text), err
}

// ReadSecret reads a secret from a file: the text without the line endings at its end.
func ReadSecret(r io.Reader) (string, error) {
	text, err := ReadText(r)
	return strings.TrimRight(text, "\r\n"), err
}

// ReadSecretLine reads a secret from standard input: the first line of r, without its line ending. It does not wait for
// the end of r.
func ReadSecretLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(decode(r)).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}

func decode(r io.Reader) io.Reader {
	return transform.NewReader(io.LimitReader(r, maxText), unicode.BOMOverride(transform.Nop))
}
