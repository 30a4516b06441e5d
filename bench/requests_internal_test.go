package main

import (
	"strings"
	"testing"
)

func TestSameForm(t *testing.T) {
	t.Parallel()
	const answer = `{"id":"a","list":[{"n":1,"ok":true},{"n":2,"ok":false}],"none":null}`
	for name, c := range map[string]struct{ other, want string }{
		"other values":     {`{"none":null,"list":[{"n":3,"ok":false},{"n":4,"ok":true}],"id":"b"}`, ""},
		"missing member":   {`{"id":"a","list":[{"n":1},{"n":2,"ok":false}],"none":null}`, "the second one has no member .list[0].ok"},
		"another member":   {`{"id":"a","list":[{"n":1,"ok":true,"x":1},{"n":2,"ok":false}],"none":null}`, "the first one has no member .list[0].x"},
		"fewer elements":   {`{"id":"a","list":[{"n":1,"ok":true}],"none":null}`, ".list has 2 and 1 elements"},
		"another type":     {`{"id":1,"list":[{"n":1,"ok":true},{"n":2,"ok":false}],"none":null}`, ".id is string and float64"},
		"null":             {`{"id":"a","list":null,"none":null}`, ".list has 2 and 0 elements"},
		"text":             {`{"id":"a","list":[{"n":1,"ok":true},"x"],"none":null}`, "the second one has no member .list[1]."},
		"something else":   {`[]`, "the second one has no member ."},
		"no JSON":          {`{`, "unexpected end of JSON input"},
		"object, not null": {`{"id":"a","list":[{"n":1,"ok":true},{"n":2,"ok":false}],"none":{}}`, ".none is <nil> and map[string]interface {}"},
	} {
		err := sameForm([]byte(answer), []byte(c.other))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
