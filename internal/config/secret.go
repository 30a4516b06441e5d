package config

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxText is the maximum number of bytes that are read from a file or input.
const maxText = 1 << 20

// ReadText reads r up to its end and returns UTF-8 text without a byte order mark. It converts text that begins with a
// UTF-16 byte order mark, as some editors and shells write it. It reads at most 1 MiB.
func ReadText(r io.Reader) (string, error) {
	text, err := io.ReadAll(decode(r))
	return string(text), err
}

// ReadSecret reads a secret from a file. It removes line endings at the end of the text.
func ReadSecret(r io.Reader) (string, error) {
	text, err := ReadText(r)
	return strings.TrimRight(text, "\r\n"), err
}

// ReadSecretLine reads a secret from the first line of r, such as standard input. It removes the line ending. It does not
// wait for the end of r.
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
