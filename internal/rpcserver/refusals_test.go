package rpcserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/casino-loyalty/loyalty/internal/limits"
)

// TestElementsAreCountedFirst sends lists with too many elements, all of them invalid. The answer has one violation.
func TestElementsAreCountedFirst(t *testing.T) {
	t.Parallel()
	s := start(t)
	invalid := `""` + strings.Repeat(`,""`, 1000)
	wire := strings.Repeat(string(protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), "")), 1001)
	unknown := strings.Repeat(string(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1)), limits.Records+1)
	for name, tt := range map[string]struct{ path, media, body, field string }{
		"REST":          {promotions + "/" + thingID + "/assign", "application/json", `{"player_ids":[` + invalid + `]}`, "player_ids"},
		"Connect JSON":  {procedure + "Assign", "application/json", `{"x":1,"player_ids":[` + invalid + `]}`, "player_ids"},
		"Connect proto": {procedure + "Assign", "application/proto", wire, "player_ids"},
		"unknown":       {procedure + "Assign", "application/proto", unknown, ""},
		"mask in REST": {
			"PATCH " + promotions + "/" + thingID + "?update_mask=" + strings.Repeat("title,", limits.MaskNames), "application/json",
			`{"title":"A"}`, "update_mask",
		},
		"mask in JSON": {
			procedure + "UpdatePromotion", "application/json",
			`{"promotion_id":"` + thingID + `","update_mask":"title` + strings.Repeat(",title", limits.MaskNames) + `"}`, "update_mask",
		},
	} {
		line := "POST " + tt.path
		if strings.HasPrefix(tt.path, "PATCH ") {
			line = tt.path
		}
		a := s.call(t, line, "staff", tt.body, "Content-Type: "+tt.media)
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, "too many") && !strings.Contains(a.body, "at most 100") {
			t.Errorf("%s: got %d %.300s", name, a.status, a.body)
		}
		if tt.field != "" && !strings.Contains(a.body, `"field":"`+tt.field+`"`) {
			t.Errorf("%s: the violation does not name %s: %.300s", name, tt.field, a.body)
		}
		if n := strings.Count(a.body, `"field":`); n > 1 {
			t.Errorf("%s: the answer has %d violations, want one", name, n)
		}
		if s.last() != nil {
			t.Errorf("%s: the use case was called", name)
		}
	}
}

// TestClientsCannotSendViolations sends the unknown field in which codecs store violations. The answer must not contain it.
func TestClientsCannotSendViolations(t *testing.T) {
	t.Parallel()
	s := start(t)
	secret := strings.Repeat("echo", 1000)
	violation := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), secret)
	list := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), violation)
	body := protowire.AppendBytes(protowire.AppendTag(nil, protowire.MaxValidNumber, protowire.BytesType), list)
	a := s.call(t, "POST "+procedure+"ListPromotions", "staff", string(body), "Content-Type: application/proto")
	if a.status != http.StatusOK || strings.Contains(a.body, "echo") {
		t.Errorf("got %d %.200s, want 200 because unknown fields are ignored", a.status, a.body)
	}
}

// TestAnswersDoNotEchoMuch sends long and unprintable texts. The answers contain only a short, printable part.
func TestAnswersDoNotEchoMuch(t *testing.T) {
	t.Parallel()
	s := start(t)
	long := strings.Repeat("x", 6000)
	for name, tt := range map[string]struct{ line, body string }{
		"member":             {"POST " + promotions, `{"` + long + `":1}`},
		"unprintable member": {"POST " + promotions, `{"\u001b[31m\u202e":1}`},
		"parameter":          {"GET " + promotions + "?" + long + "=1", ""},
		"value":              {"GET " + promotions + "?type=" + long, ""},
		"mask":               {"PATCH " + promotions + "/" + thingID + "?update_mask=" + long, `{"title":"A"}`},
		"mask in JSON":       {"POST " + procedure + "UpdatePromotion", `{"update_mask":"` + long[:3000] + `"}`},
		"path":               {"GET /api/v1/" + long, ""},
		"id":                 {"GET " + promotions + "/" + long, ""},
	} {
		a := s.call(t, tt.line, "staff", tt.body)
		if a.status < 400 || len(a.body) > limits.Path || strings.ContainsAny(a.body, "\x1b\u202e") || strings.Contains(a.body, `\u001b`) {
			t.Errorf("%s: got %d with %d bytes: %.300s", name, a.status, len(a.body), a.body)
		}
	}
}

// TestRefusalCost logs the CPU time of the most expensive refusal; BenchmarkRefusal measures it exactly.
func TestRefusalCost(t *testing.T) {
	h := handler(t)
	var worst time.Duration
	var which string
	for name, tt := range refusals(t) {
		r := tt.request(t)
		w := httptest.NewRecorder()
		before := cpu(t)
		h.ServeHTTP(w, r)
		if took := cpu(t) - before; took > worst {
			worst, which = took, name
		}
		if code := codeOf(w.Result()); code == "" || code.Info().HTTP >= 500 || code.Info().HTTP < 400 {
			t.Errorf("%s: got %d %s %.300s, want a refusal", name, w.Code, code, w.Body)
		}
		if w.Body.Len() > 64<<10 {
			t.Errorf("%s: the answer has %d bytes", name, w.Body.Len())
		}
	}
	t.Logf("the most expensive refusal took %v of CPU time (goal: %v): %s", worst, limits.RefusalCPU, which)
}
