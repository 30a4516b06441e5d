package ledgerchain

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// appendValue appends a canonical encoding of a JSON value. It depends only on the value: not on the order and repetition of
// members, on escapes in strings, or on the form of numbers (1, 1.0, 10e-1).
func appendValue(b []byte, v any) (_ []byte, err error) {
	switch v := v.(type) {
	case nil:
		return append(b, 'n'), nil
	case bool:
		if v {
			return append(b, 't'), nil
		}
		return append(b, 'f'), nil
	case string:
		if !utf8.ValidString(v) {
			return appendEncoded(b, v)
		}
		return appendSized(append(b, 's'), v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return appendEncoded(b, v) // an error
		}
		return appendValue(b, json.Number(strconv.FormatFloat(v, 'g', -1, 64)))
	case json.Number:
		n, err := canonicalNumber(string(v))
		return appendSized(append(b, 'd'), n), err
	case []any:
		if v == nil {
			return append(b, 'n'), nil
		}
		b = binary.BigEndian.AppendUint32(append(b, 'a'), uint32(len(v)))
		for _, element := range v {
			if b, err = appendValue(b, element); err != nil {
				return nil, err
			}
		}
		return b, nil
	case map[string]any:
		if v == nil {
			return append(b, 'n'), nil
		}
		for name := range v {
			if !utf8.ValidString(name) {
				return appendEncoded(b, v)
			}
		}
		b = binary.BigEndian.AppendUint32(append(b, 'o'), uint32(len(v)))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if b, err = appendValue(appendSized(b, name), v[name]); err != nil {
				return nil, err
			}
		}
		return b, nil
	}
	return appendEncoded(b, v)
}

// appendEncoded appends the canonical encoding of the JSON text of v: of values whose text is not known without encoding it,
// such as a string with invalid UTF-8.
func appendEncoded(b []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("additional data: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var decoded any
	if err := d.Decode(&decoded); err != nil {
		return nil, fmt.Errorf("additional data: %w", err)
	}
	return appendValue(b, decoded)
}

// canonicalNumber returns a JSON number as an integer that does not end with zeros, followed by an exponent: 12.30 is
// "123e-1". It uses only the digits, so the value may exceed the range and the precision of a float64.
func canonicalNumber(s string) (string, error) {
	mantissa, exponentText, _ := strings.Cut(strings.ToLower(s), "e")
	exponent := 0
	if exponentText != "" {
		var err error
		if exponent, err = strconv.Atoi(exponentText); err != nil || exponent < -math.MaxInt32 || exponent > math.MaxInt32 {
			return "", fmt.Errorf("additional data: the exponent of the number %.40s is out of range", s)
		}
	}
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	integer, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(integer+fraction, "0")
	significant := strings.TrimRight(digits, "0")
	if significant == "" {
		return "0", nil // also for -0, which PostgreSQL stores as 0
	}
	exponent += len(digits) - len(significant) - len(fraction)
	if negative {
		significant = "-" + significant
	}
	return significant + "e" + strconv.Itoa(exponent), nil
}
