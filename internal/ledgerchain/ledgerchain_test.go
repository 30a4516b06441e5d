package ledgerchain_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

func newKey(t *testing.T) ledgerchain.Key {
	t.Helper()
	key, err := ledgerchain.ParseKey(ledgerchain.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func entry() ledgerchain.Entry {
	return ledgerchain.Entry{
		ID: uuid.New(), UserID: uuid.New(), Seq: 1, Type: "CREDIT", Amount: 5, BalanceAfter: 5, Description: "a",
		Data: json.RawMessage(`{"a": 1}`), CreatedAt: time.UnixMicro(1), IdempotencyKey: "k", ContentHash: []byte("h"), Reverses: uuid.New(),
	}
}

func mac(t *testing.T, key ledgerchain.Key, previous string, e ledgerchain.Entry) string {
	t.Helper()
	m, err := key.MAC(previous, e)
	if err != nil || len(m) != ledgerchain.Size {
		t.Fatalf("got the MAC %q, %v, want one of length %d", m, err, ledgerchain.Size)
	}
	return m
}

// TestMACCoversEveryField changes each field of an entry. A field without a case fails the test.
func TestMACCoversEveryField(t *testing.T) {
	t.Parallel()
	key, e := newKey(t), entry()
	first := mac(t, key, "previous", e)
	if again := mac(t, key, "previous", e); again != first {
		t.Errorf("one entry has the MACs %s and %s", first, again)
	}
	if other := mac(t, key, "another", e); other == first {
		t.Error("the MAC does not cover the previous MAC")
	}
	for _, field := range reflect.VisibleFields(reflect.TypeOf(e)) {
		changed := e
		switch v := reflect.ValueOf(&changed).Elem().FieldByIndex(field.Index); p := v.Addr().Interface().(type) {
		case *uuid.UUID:
			*p = uuid.New()
		case *time.Time:
			*p = p.Add(time.Microsecond)
		case *[]byte:
			*p = []byte("other")
		case *any:
			*p = "other"
		default:
			if v.CanInt() {
				v.SetInt(v.Int() + 1)
			} else {
				v.SetString(v.String() + "b")
			}
		}
		if mac(t, key, "previous", changed) == first {
			t.Errorf("the MAC does not cover %s", field.Name)
		}
	}
	shifted := e
	shifted.Type, shifted.Description = e.Type+e.Description, ""
	if mac(t, key, "previous", shifted) == first {
		t.Error("the MAC does not cover the boundaries between fields")
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	key, other, e := newKey(t), newKey(t), entry()
	m := mac(t, key, "previous", e)
	changed := e
	changed.Amount++
	for name, tt := range map[string]struct {
		keys     ledgerchain.Keys
		mac      string
		previous string
		entry    ledgerchain.Entry
		want     error
	}{
		"intact":                {ledgerchain.Keys{key}, m, "previous", e, nil},
		"key of two":            {ledgerchain.Keys{other, key}, m, "previous", e, nil},
		"changed entry":         {ledgerchain.Keys{key}, m, "previous", changed, ledgerchain.ErrMismatch},
		"another previous MAC":  {ledgerchain.Keys{key}, m, "", e, ledgerchain.ErrMismatch},
		"another key":           {ledgerchain.Keys{other}, m, "previous", e, ledgerchain.ErrUnknownKey},
		"truncated":             {ledgerchain.Keys{key}, m[:8], "previous", e, ledgerchain.ErrMismatch},
		"longer":                {ledgerchain.Keys{key}, m + "A", "previous", e, ledgerchain.ErrMismatch},
		"empty":                 {ledgerchain.Keys{key}, "", "previous", e, ledgerchain.ErrUnknownKey},
		"not base64":            {ledgerchain.Keys{key}, "!", "previous", e, ledgerchain.ErrUnknownKey},
		"MAC with another text": {ledgerchain.Keys{key}, m[:len(m)-1] + "=", "previous", e, ledgerchain.ErrMismatch},
	} {
		if err := tt.keys.Verify(tt.mac, tt.previous, tt.entry); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "secret", base64.StdEncoding.EncodeToString(make([]byte, 31)), strings.Repeat("é", 40)} {
		key, err := ledgerchain.ParseKey(text)
		if err == nil || !key.IsZero() || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: got %v, want an error without the text", text, err)
		}
	}
}

// TestStoredData checks that the MAC of additional data stays the same after PostgreSQL has stored it as jsonb.
func TestStoredData(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Users)
	key, e := newKey(t), entry()
	seen := map[string]string{}
	for _, data := range []string{
		`{}`, `{"n": 1.0}`, `{"n": 1.5}`, `{"n": 1e3}`, `{"n": 1001}`, `{"n": 1e400}`, `{"n": -1.50E-3}`, `{"n": 5e-324}`,
		`{"n": 12345678901234567890.123456789}`, `{"n": 0.1}`, `{"n": -0}`, `{"n": 0.00001}`, `{"n": "1"}`, `{"n": 1e-400}`,
		`{"s": "\u00fc\u003c\ud83d\ude00\n\"\\\/"}`, `{"s": "\u2028"}`, `{"b": 1, "a": 2, "ab": 3}`, `{"x": 1, "x": {"y": 2, "y": 3}}`,
		`{"a": [1, [], {}, null, true, false, "", [[2]]]}`, `{"": ""}`, `{"a": [1, 2]}`, `{"a": [[1], 2]}`,
	} {
		var stored string
		if err := db.QueryRow(t.Context(), "SELECT $1::text::jsonb::text", data).Scan(&stored); err != nil {
			t.Fatal(err)
		}
		e.Data = json.RawMessage(data)
		m := mac(t, key, "", e)
		e.Data = json.RawMessage(stored)
		if got := mac(t, key, "", e); got != m {
			t.Errorf("%s is stored as %s: got another MAC", data, stored)
		}
		if other, ok := seen[m]; ok {
			t.Errorf("%s and %s have the same MAC", data, other)
		}
		seen[m] = data
	}
}

// TestValues checks that a value of Go has the same MAC as its JSON text.
func TestValues(t *testing.T) {
	t.Parallel()
	key, e := newKey(t), entry()
	for _, value := range []any{
		map[string]any{}, map[string]any{"b": []any{"x", nil, true, false, 1.5}, "a": map[string]any{"<é\u2028>": "\x00"}},
		0.0, math.Copysign(0, -1), 1e21, 123456789.0, -1e-7, 5e-324, math.MaxFloat64, 1.0 / 3, 7, int64(math.MaxInt64), uuid.Nil,
		"\xff\xfe", map[string]any{"\xff": 1}, []string{"a"}, map[string]any{"a": []any(nil), "b": map[string]any(nil)}, json.Number("1.50"), time.Unix(0, 0).UTC(),
	} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		e.Data = json.RawMessage(text)
		want := mac(t, key, "", e)
		e.Data = value
		if got := mac(t, key, "", e); got != want {
			t.Errorf("%#v and its text %s have different MACs", value, text)
		}
	}
	e.Data = math.NaN()
	if m, err := key.MAC("", e); err == nil {
		t.Errorf("got the MAC %s of NaN, want an error", m)
	}
}

func TestEqualNumbers(t *testing.T) {
	t.Parallel()
	key, e := newKey(t), entry()
	for _, numbers := range [][]string{
		{"1", "1.0", "1.00", "10e-1", "0.1E1", "1e0", "100e-02"}, {"0", "-0", "0.0", "0e5"}, {"1000", "1e3", "1E+3", "1000.0"},
		{"-12.5", "-125e-1", "-1.25e1"},
	} {
		macs := map[string]bool{}
		for _, n := range numbers {
			e.Data = json.RawMessage(n)
			macs[mac(t, key, "", e)] = true
		}
		if len(macs) != 1 {
			t.Errorf("%v have %d MACs, want one", numbers, len(macs))
		}
	}
	for _, text := range []string{"", "{", "1e99999999999", `{"a": 1e-99999999999}`} {
		e.Data = json.RawMessage(text)
		if m, err := key.MAC("", e); err == nil {
			t.Errorf("%s: got the MAC %s, want an error", text, m)
		}
	}
}

// FuzzData checks that a JSON text has the same MAC after another encoder has written its value.
func FuzzData(f *testing.F) {
	f.Add(`{"a":[1,-2.50,1e3,"x"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		key, e := newKey(t), entry()
		e.Data = json.RawMessage(text)
		first, err := key.MAC("", e)
		if err != nil {
			return
		}
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatal(err)
		}
		indented, err := json.MarshalIndent(value, " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		e.Data = json.RawMessage(indented)
		if second, err := key.MAC("", e); err != nil || second != first {
			t.Errorf("%s is encoded as %s: got %s, %v, want %s", text, indented, second, err, first)
		}
	})
}
