package event_test

import (
	"iter"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// headers returns an iterator over headers. pairs contains names and values in turn.
func headers(pairs ...string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := 0; i < len(pairs); i += 2 {
			if !yield(pairs[i], pairs[i+1]) {
				return
			}
		}
	}
}

const structured = "application/cloudevents+json"

func TestParse(t *testing.T) {
	at := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	full := event.Event{
		ID: "1", Source: "/s", Type: "t", Time: at, Key: "u1", ContentType: event.ContentProtobuf, Data: []byte{1, 2},
	}
	document := []byte(`{"eventType":"PLAYER_REGISTERED"}`)
	for name, tt := range map[string]struct {
		headers iter.Seq2[string, string]
		body    []byte
		want    event.Event
	}{
		"no headers": {headers(), document, event.Event{Data: document}},
		"Kafka binding": {
			headers("ce_specversion", "1.0", "ce_id", "1", "ce_source", "/s", "ce_type", "t", "ce_time", "2026-03-10T13:00:00+01:00",
				"ce_partitionkey", "u1", "content-type", "application/protobuf"), []byte{1, 2}, full,
		},
		"NATS and HTTP binding": {
			headers("ce-specversion", "1.0", "ce-id", "1", "ce-source", "/s", "ce-type", "t", "ce-time", "2026-03-10T12:00:00Z",
				"ce-partitionkey", "u1", "ce-datacontenttype", "application/protobuf"), []byte{1, 2}, full,
		},
		"AMQP binding": {
			headers("cloudEvents:id", "1", "cloudEvents_source", "/s", "cloudEvents:type", "t", "cloudEvents:time",
				"2026-03-10T12:00:00Z", "cloudEvents:partitionkey", "u1", "content-type", "application/protobuf"), []byte{1, 2}, full,
		},
		"header names in upper case": {
			headers("CE_ID", "1", "Ce-Source", "/s", "CE_TYPE", "t", "Ce_Time", "2026-03-10T12:00:00Z", "Ce-PartitionKey", "u1",
				"Content-Type", "Application/Protobuf"), []byte{1, 2}, full,
		},
		"content type in an attribute": {
			headers("ce_id", "1", "ce_datacontenttype", "application/protobuf"), []byte{1},
			event.Event{ID: "1", ContentType: event.ContentProtobuf, Data: []byte{1}},
		},
		"content type in camel case": {
			headers("contentType", "application/json"),
			document, event.Event{ContentType: event.ContentJSON, Data: document},
		},
		"content type with underscore": {
			headers("content_type", "application/json"),
			document, event.Event{ContentType: event.ContentJSON, Data: document},
		},
		"content type twice": {
			headers("content-type", "application/json", "ce_datacontenttype", "application/JSON; charset=UTF-8"),
			document, event.Event{ContentType: event.ContentJSON, Data: document},
		},
		"empty content type": {
			headers("content-type", " ", "ce_datacontenttype", "application/json"),
			document, event.Event{ContentType: event.ContentJSON, Data: document},
		},
		"content type with parameters": {
			headers("content-type", "application/protobuf; proto=\"a.B\"; charset=utf-8"),
			nil, event.Event{ContentType: event.ContentProtobuf},
		},
		"content type with a bad parameter": {
			headers("content-type", " application/protobuf ; messageType"),
			nil, event.Event{ContentType: event.ContentProtobuf},
		},
		"other content type": {
			headers("content-type", "text/plain"),
			document, event.Event{ContentType: "text/plain", Data: document},
		},
		"equal duplicates": {
			headers("ce_id", "1", "ce_id", "1", "ce-id", "1"),
			nil, event.Event{ID: "1"},
		},
		"empty attributes": {
			headers("ce_id", "", "ce_time", "", "ce_specversion", "", "ce_id", "1"),
			nil, event.Event{ID: "1"},
		},
		"unknown attributes": {
			headers("ce_id", "1", "ce_traceparent", "00-1", "ce_", "x"),
			nil, event.Event{ID: "1"},
		},
		"trace context": {
			headers("ce_id", "1", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
			nil, event.Event{ID: "1", Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		},
		"malformed time": {
			headers("ce_id", "1", "ce_time", "yesterday"),
			nil, event.Event{ID: "1"},
		},
		"identity encoding": {
			headers("ce_id", "1", "content-encoding", "identity"),
			nil, event.Event{ID: "1"},
		},
		"structured mode, base64": {
			headers("content-type", "application/cloudevents+json; charset=UTF-8"),
			[]byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","time":"2026-03-10T12:00:00Z","partitionkey":"u1",` +
				`"datacontenttype":"application/protobuf","data_base64":"AQI=","extension":7}`), full,
		},
		"structured mode, JSON": {
			headers("Content-Type", structured), []byte(` {"id":"1","datacontenttype":"application/json","data":{"a": 1}} `),
			event.Event{ID: "1", ContentType: event.ContentJSON, Data: []byte(`{"a": 1}`)},
		},
		"structured mode, no content type": {
			headers("content-type", structured), []byte(`{"id":"1","data":{"a":1},"data_base64":null}`),
			event.Event{ID: "1", ContentType: event.ContentJSON, Data: []byte(`{"a":1}`)},
		},
		"structured mode, no data": {
			headers("content-type", structured), []byte(`{"id":"1","data":null,"subject":null,"type":null}`), event.Event{ID: "1"},
		},
		"structured mode with headers": {
			headers("ce_id", "1", "ce_datacontenttype", "application/json", "content-type", structured),
			[]byte(`{"id":"1","datacontenttype":"application/json","data":1}`),
			event.Event{ID: "1", ContentType: event.ContentJSON, Data: []byte(`1`)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := event.Parse(tt.headers, tt.body)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("Parse = %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		headers iter.Seq2[string, string]
		body    string
		want    []string
	}{
		"two content types": {
			headers("content-type", "application/json", "Content-Type", "application/protobuf"),
			"{}", []string{"content-type", "Content-Type", "application/protobuf"},
		},
		"header and attribute differ": {
			headers("content-type", "application/json", "ce_datacontenttype", "application/protobuf"),
			"{}", []string{"content-type", "ce_datacontenttype"},
		},
		"two content type attributes": {
			headers("ce-datacontenttype", "application/json", "ce_datacontenttype", "application/protobuf"),
			"{}", []string{"ce-datacontenttype", "ce_datacontenttype"},
		},
		"not a media type": {
			headers("content-type", "protobuf"),
			"", []string{`content-type "protobuf"`},
		},
		"quoted media type": {headers("contentType", `"application/json"`), "", []string{"contentType"}},
		"charset": {
			headers("content-type", "application/json; charset=iso-8859-1"),
			"{}", []string{"content-type", "iso-8859-1"},
		},
		"two ids": {headers("ce_id", "1", "CE_ID", "2"), "", []string{"ce_id", "CE_ID"}},
		"two times": {
			headers("ce_id", "1", "ce_time", "2026-03-10T12:00:00Z", "ce-time", "2026-03-11T12:00:00Z"),
			"", []string{"ce_time", "ce-time"},
		},
		"version 0.3": {
			headers("ce_id", "1", "ce_specversion", "0.3"),
			"", []string{"ce_specversion", "0.3"},
		},
		"base64 body": {
			headers("ce_id", "1", "ce_datacontentencoding", "base64"),
			"", []string{"ce_datacontentencoding", "base64"},
		},
		"compressed body": {
			headers("ce_id", "1", "Content-Encoding", "gzip"),
			"", []string{"Content-Encoding", "gzip"},
		},
		"batch": {
			headers("content-type", "application/cloudevents-batch+json"),
			"[]", []string{"content-type", "cloudevents-batch"},
		},
		"protobuf format": {
			headers("content-type", "application/cloudevents+protobuf"),
			"", []string{"content-type", "cloudevents+protobuf"},
		},
		"format without a suffix": {
			headers("content-type", "application/cloudevents"),
			"{}", []string{"content-type"},
		},
		"structured type in attribute": {
			headers("ce_datacontenttype", structured),
			"{}", []string{"ce_datacontenttype"},
		},
		"envelope is not JSON":        {headers("content-type", structured), "hello", []string{structured}},
		"envelope is a list":          {headers("content-type", structured), "[]", []string{structured}},
		"envelope is empty":           {headers("content-type", structured), "", []string{structured}},
		"envelope with trailing text": {headers("content-type", structured), `{"id":"1"} {}`, []string{structured}},
		"envelope is cut off":         {headers("content-type", structured), `{"id":"1"`, []string{structured}},
		"envelope with invalid UTF-8": {
			headers("content-type", structured),
			"{\"id\":\"\xff\"}", []string{structured, "UTF-8"},
		},
		"envelope with repeated member": {
			headers("content-type", structured),
			`{"id":"1","id":"2"}`, []string{structured, `"id"`},
		},
		"envelope member not a string": {
			headers("content-type", structured),
			`{"id":1}`, []string{"envelope member id"},
		},
		"envelope of version 0.3": {
			headers("content-type", structured),
			`{"specversion":"0.3"}`, []string{"envelope member specversion"},
		},
		"envelope and header differ": {
			headers("ce_id", "1", "content-type", structured),
			`{"id":"2"}`, []string{"ce_id", "envelope member id"},
		},
		"envelope in an envelope": {
			headers("content-type", structured),
			`{"datacontenttype":"application/cloudevents+json","data":{}}`, []string{"envelope member datacontenttype"},
		},
		"data twice": {
			headers("content-type", structured),
			`{"data":1,"data_base64":"AQ=="}`, []string{"data_base64"},
		},
		"data is not base64": {
			headers("content-type", structured),
			`{"data_base64":"?"}`, []string{"data_base64"},
		},
		"protobuf as text": {
			headers("content-type", structured),
			`{"datacontenttype":"application/protobuf","data":"abc"}`, []string{"envelope member data", "data_base64"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := event.Parse(tt.headers, []byte(tt.body))
			if !event.IsPermanent(err) {
				t.Fatalf("Parse returned %v, want a permanent error", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Parse returned %q, want an error with %q", err, want)
				}
			}
		})
	}
}

// TestParseKeepsTheFirstValue checks that Parse returns the ID and the data of a malformed message, for its dead letter.
func TestParseKeepsTheFirstValue(t *testing.T) {
	e, err := event.Parse(headers("ce_id", "1", "ce-id", "2", "content-type", "?"), []byte("data"))
	if err == nil || e.ID != "1" || string(e.Data) != "data" {
		t.Errorf("Parse = %+v, %v; want an error, id 1 and the data", e, err)
	}
}
