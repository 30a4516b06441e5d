package rpcserver_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

const mebibyte = 1 << 20

// fill repeats part between prefix and suffix as often as fits into a body of 1 MiB.
func fill(prefix, part, suffix string) string {
	n := (mebibyte - len(prefix) - len(suffix)) / len(part)
	return prefix + strings.Repeat(part, n) + suffix
}

// refusal is a hostile request of at most 1 MiB that must be refused cheaply.
type refusal struct {
	path, media, encoding, token string
	method                       string
	body                         string
}

// refusals returns the hostile requests, by name. Requests without a token are refused with 401 and the others with 4xx.
func refusals(tb testing.TB) map[string]refusal {
	tb.Helper()
	const (
		jsonType, protoType, grpcType = "application/json", "application/proto", "application/grpc"
		assign                        = promotions + "/" + thingID + "/assign"
	)
	mask := promotions + "/" + thingID + "?update_mask=" + strings.Repeat("id,", 10_000)
	members := fill(`{`, `"a":1,`, `"b":1}`)
	emptyIDs := string(protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), nil))
	emptyMessage := string(protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), nil))
	unknown := string(protowire.AppendVarint(protowire.AppendTag(nil, 15, protowire.VarintType), 1))
	maskProto := func(path string) string {
		paths := fill("", string(protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), path)), "")
		paths = paths[:len(paths)-len(paths)%(len(path)+2)]
		paths = paths[:len(paths)-16*(len(path)+2)]
		return string(protowire.AppendString(protowire.AppendTag(nil, 3, protowire.BytesType), paths))
	}
	post := func(path, media, token, body string) refusal {
		return refusal{method: http.MethodPost, path: path, media: media, token: token, body: body}
	}
	zip := func(r refusal) refusal {
		r.encoding, r.body = "gzip", gzipped(tb, r.body)
		return r
	}
	return map[string]refusal{
		"mask without a token":         {method: http.MethodPatch, path: mask, media: jsonType, body: members},
		"mask":                         {method: http.MethodPatch, path: mask, media: jsonType, token: "staff", body: members},
		"mask, known members":          {method: http.MethodPatch, path: mask, media: jsonType, token: "staff", body: fill(`{`, `"title":"",`, `"b":1}`)},
		"REST list of empty texts":     post(assign, jsonType, "staff", fill(`{"player_ids":[`, `"",`, `""]}`)),
		"REST list of ids":             post(assign, jsonType, "staff", fill(`{"player_ids":[`, `"`+playerID+`",`, `""]}`)),
		"REST list of numbers":         post(assign, jsonType, "staff", fill(`{"player_ids":[`, `1,`, `1]}`)),
		"REST list of objects":         post(assign, jsonType, "staff", fill(`{"player_ids":[`, `{},`, `{}]}`)),
		"REST unknown members":         post(promotions, jsonType, "staff", members),
		"REST unknown list":            post(promotions, jsonType, "staff", fill(`{"a":[`, `[],`, `[]]}`)),
		"REST unknown, at the end":     post(promotions, jsonType, "staff", fill(`{"a":`, ` `, `1}`)),
		"REST known repeated":          post(promotions, jsonType, "staff", fill(`{`, `"type":"",`, `"type":""}`)),
		"REST nested":                  post(promotions, jsonType, "staff", fill(`{"a":[`, strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+`,`, `1]}`)),
		"REST escapes":                 post(promotions, jsonType, "staff", fill(`{"title":"`, `\u0041`, `"}`)),
		"REST half surrogate":          post(promotions, jsonType, "staff", fill(`{"title":"`, `\ud83d\ude00`, `\ud83d"}`)),
		"REST combining marks":         post(promotions, jsonType, "staff", fill(`{"title":"`, "\u0327\u0301", `"}`)),
		"REST jamo":                    post(promotions, jsonType, "staff", fill(`{"title":"`, "\u1100\u1161\u11a8", `"}`)),
		"REST combining ids":           post(assign, jsonType, "staff", fill(`{"player_ids":[`, `"`+strings.Repeat("\u0327\u0301", 256)+`",`, `""]}`)),
		"REST line breaks":             post(promotions, jsonType, "staff", fill(`{"title":"`, `\r\n`, `"}`)),
		"REST digits":                  post(promotions, jsonType, "staff", fill(`{"title":`, `1`, `}`)),
		"REST not JSON at the end":     post(promotions, jsonType, "staff", fill(`{"title":"`, `a`, `"]`)),
		"REST list in place of text":   post(promotions, jsonType, "staff", fill(`{"title":[`, `1,`, `1]}`)),
		"REST object in place of text": post(promotions, jsonType, "staff", fill(`{"title":{`, `"a":1,`, `"a":1}}`)),
		"REST list in place of enum":   post(promotions, jsonType, "staff", fill(`{"type":[`, `"",`, `""]}`)),
		"REST list in place of number": post(promotions, jsonType, "staff", fill(`{"active":[`, `true,`, `true]}`)),
		"login email":                  post("/api/v1/auth/register", jsonType, "", fill(`{"email":"`, "a@\u0301", `"}`)),
		"login members":                post("/api/v1/auth/register", jsonType, "", members),
		"Connect JSON mask":            post(procedure+"UpdatePromotion", jsonType, "staff", fill(`{"update_mask":"`, `a,`, `a"}`)),
		"Connect JSON long mask name":  post(procedure+"UpdatePromotion", jsonType, "staff", fill(`{"update_mask":"`, `aB`, `"}`)),
		"proto mask":                   post(procedure+"UpdatePromotion", protoType, "staff", maskProto("a")),
		"proto mask of empty names":    post(procedure+"UpdatePromotion", protoType, "staff", maskProto("")),
		"proto list of empty texts":    post(procedure+"Assign", protoType, "staff", fill("", emptyIDs, "")),
		"gzip list of empty texts":     zip(post(procedure+"Assign", protoType, "staff", fill("", emptyIDs, ""))),
		"proto repeated message":       post(procedure+"CreatePromotion", protoType, "staff", fill("", emptyMessage, "")),
		"proto unknown fields":         post(procedure+"CreatePromotion", protoType, "staff", fill("", unknown, "")),
		"gzip bomb without a token":    zip(post(procedure+"Assign", protoType, "", strings.Repeat("\x00", 64<<20))),
		"gzip bomb":                    zip(post(procedure+"Assign", protoType, "staff", strings.Repeat("\x00", 64<<20))),
		"gzip bomb in public":          zip(post("/loyalty.users.v1.AuthService/Register", protoType, "", strings.Repeat("\x00", 64<<20))),
		"gzip empty members": {
			method: http.MethodPost, path: procedure + "Assign", media: protoType, encoding: "gzip", token: "staff",
			body: fill("", gzipped(tb, ""), ""),
		},
		"gzip small blocks": {
			method: http.MethodPost, path: procedure + "Assign", media: protoType, encoding: "gzip", token: "staff",
			body: smallBlocks(tb),
		},
		"gRPC list of empty texts": post(procedure+"Assign", grpcType, "staff", envelope(fill("", emptyIDs, ""))),
		"violations field": post(procedure+"CreatePromotion", protoType, "staff", string(protowire.AppendString(
			protowire.AppendTag(nil, protowire.MaxValidNumber, protowire.BytesType),
			fill("", string(protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "")), "")))),
	}
}

func gzipped(tb testing.TB, s string) string {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// smallBlocks returns gzip data with as many blocks as possible: each block has a Huffman table for little text.
func smallBlocks(tb testing.TB) string {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for b.Len() < mebibyte-200 {
		if _, err := io.WriteString(w, "aaaaabbbbbccccdddeeabcdeabcdeabcdaaaaaabbbbbccccd"); err != nil {
			tb.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			tb.Fatal(err)
		}
	}
	return b.String()
}

// envelope returns a message of gRPC.
func envelope(message string) string {
	return "\x00" + string(binary.BigEndian.AppendUint32(nil, uint32(len(message)))) + message
}

func (r refusal) request(tb testing.TB) *http.Request {
	tb.Helper()
	req := httptest.NewRequestWithContext(tb.Context(), r.method, r.path, strings.NewReader(r.body))
	req.Header.Set("Content-Type", r.media)
	if r.encoding != "" {
		req.Header.Set("Content-Encoding", r.encoding)
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.media == "application/grpc" {
		req.Proto, req.ProtoMajor, req.ProtoMinor = "HTTP/2.0", 2, 0
	}
	return req
}

// BenchmarkRefusal measures the CPU time and the memory of refusing hostile requests.
func BenchmarkRefusal(b *testing.B) {
	h := benchHandler(b, nil, nil)
	for name, r := range refusals(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r.request(b))
				if w.Code < http.StatusBadRequest && r.media != "application/grpc" {
					b.Fatal(w.Code, w.Body)
				}
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// cpu returns the CPU time that the process has used.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
