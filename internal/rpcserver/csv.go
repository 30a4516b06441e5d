package rpcserver

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

const (
	mediaCSV = "text/csv"
	nameCSV  = "rest-csv"
)

// csvList returns the field of a message with the option csv, or nil.
func csvList(md protoreflect.MessageDescriptor) (protoreflect.FieldDescriptor, error) {
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if marked, _ := proto.GetExtension(fd.Options(), optionsv1.E_Csv).(bool); !marked {
			continue
		}
		if !fd.IsList() || fd.Message() == nil {
			return nil, fmt.Errorf("%s has the option csv, but is not a list of messages", fd.FullName())
		}
		columns := fd.Message().Fields()
		for j := range columns.Len() {
			if c := columns.Get(j); c.IsList() || c.Message() != nil || c.Kind() == protoreflect.BytesKind {
				return nil, fmt.Errorf("%s has no form in CSV, which %s needs", c.FullName(), fd.FullName())
			}
		}
		return fd, nil
	}
	return nil, nil //nolint:nilnil // nil means that there is no such field
}

// csvCodec is the codec of the calls over REST whose answers are in CSV.
type csvCodec struct{ restCodec }

func (csvCodec) Name() string { return nameCSV }

func (c csvCodec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

func (csvCodec) MarshalAppend(b []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a protobuf message", message)
	}
	list, err := csvList(m.ProtoReflect().Descriptor())
	if err != nil {
		return nil, err
	}
	if list == nil {
		return nil, fmt.Errorf("%T has no list for CSV", message)
	}
	columns := list.Message().Fields()
	line := make([]string, columns.Len())
	for i := range line {
		line[i] = columns.Get(i).JSONName()
	}
	buffer := bytes.NewBuffer(b)
	w := csv.NewWriter(buffer)
	_ = w.Write(line) // Flush reports the error
	rows := m.ProtoReflect().Get(list).List()
	for i := range rows.Len() {
		row := rows.Get(i).Message()
		for j := range line {
			line[j] = csvCell(columns.Get(j), row.Get(columns.Get(j)))
		}
		_ = w.Write(line)
	}
	w.Flush()
	return buffer.Bytes(), w.Error()
}

// csvCell returns a value as a cell. Spreadsheets calculate a text that begins like a formula, so the cell of such a text
// begins with an apostrophe.
func csvCell(fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch fd.Kind() {
	case protoreflect.EnumKind:
		if value := fd.Enum().Values().ByNumber(v.Enum()); value != nil {
			return string(value.Name())
		}
		return strconv.Itoa(int(v.Enum()))
	case protoreflect.StringKind:
		text := v.String()
		if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
			return "'" + text
		}
		return text
	default:
		return v.String()
	}
}

// linkNextPage adds the header Link with the next page to a list in CSV, which has no other place for the page token.
func (s *Server) linkNextPage(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		res, err := next(ctx, req)
		info := requestInfoFrom(ctx)
		if err != nil || !info.csv {
			return res, err
		}
		if page, ok := res.Any().(interface{ GetNextPageToken() string }); ok && page.GetNextPageToken() != "" {
			query := info.url.Query()
			query.Set("page_token", page.GetNextPageToken())
			res.Header().Set("Link", fmt.Sprintf("<%s?%s>; rel=\"next\"", info.url.EscapedPath(), query.Encode()))
		}
		return res, nil
	}
}

// acceptsCSV reports whether the header Accept names text/csv, and does not prefer JSON.
func acceptsCSV(h http.Header) bool {
	var quality, others float64
	for _, value := range h.Values("Accept") {
		for part := range strings.SplitSeq(value, ",") {
			media, params, err := mime.ParseMediaType(part)
			if err != nil {
				continue
			}
			q := 1.0
			if text, ok := params["q"]; ok {
				if q, err = strconv.ParseFloat(text, 64); err != nil {
					continue
				}
			}
			switch media {
			case mediaCSV:
				quality = max(quality, q)
			case mediaJSON:
				others = max(others, q)
			}
		}
	}
	return quality > 0 && quality >= others
}

var _ connect.Codec = csvCodec{}
