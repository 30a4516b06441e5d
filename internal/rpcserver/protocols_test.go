package rpcserver_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

const procedure = "/loyalty.promotions.v1.PromotionService/"

// h2c is an HTTP/2 client without TLS, as gRPC needs it.
func h2c(t *testing.T) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestProtocols makes the same calls over every protocol and encoding.
func TestProtocols(t *testing.T) {
	s := start(t)
	for name, options := range map[string][]connect.ClientOption{
		"Connect":              nil,
		"Connect JSON":         {connect.WithProtoJSON()},
		"Connect, compressed":  {connect.WithSendGzip()},
		"gRPC":                 {connect.WithGRPC()},
		"gRPC JSON":            {connect.WithGRPC(), connect.WithProtoJSON()},
		"gRPC-Web":             {connect.WithGRPCWeb()},
		"gRPC-Web, compressed": {connect.WithGRPCWeb(), connect.WithSendGzip()},
	} {
		t.Run(name, func(t *testing.T) {
			options = append(options, connect.WithInterceptors(asStaff()))
			c := promotionsv1connect.NewPromotionServiceClient(h2c(t), s.url, options...)
			p := &promotionsv1.Promotion{
				Title: " A ", Type: promotionsv1.PromotionType_BONUS, Amount: "1", StartDate: "2026-01-01", EndDate: "2026-01-02",
			}
			res, err := c.CreatePromotion(t.Context(), connect.NewRequest(&promotionsv1.CreatePromotionRequest{Promotion: p}))
			if err != nil || res.Msg.GetTitle() != "A" || res.Msg.GetAmount() != "1.00" {
				t.Fatalf("got %v, %v", res, err)
			}
			_, err = c.CreatePromotion(t.Context(), connect.NewRequest(&promotionsv1.CreatePromotionRequest{
				Promotion: &promotionsv1.Promotion{Id: thingID},
			}))
			refused(t, err, connect.CodeInvalidArgument, apperr.ValidationFailed,
				"promotion.id promotion.title promotion.type promotion.amount promotion.startDate promotion.endDate")
			_, err = c.Claim(t.Context(), connect.NewRequest(&promotionsv1.ClaimRequest{}))
			refused(t, err, connect.CodePermissionDenied, apperr.Forbidden, "")
		})
	}
}

// asStaff sends the token of a staff member with every call.
func asStaff() connect.UnaryInterceptorFunc {
	return func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			req.Header().Set("Authorization", "Bearer staff")
			return next(ctx, req)
		}
	}
}

// refused checks an error's code, its ErrorInfo and the fields of its BadRequest.
func refused(t *testing.T, err error, rpc connect.Code, code apperr.Code, fields string) {
	t.Helper()
	if connect.CodeOf(err) != rpc {
		t.Fatalf("got %v, want %v", err, rpc)
	}
	e := apperr.From(rpcserver.FromStatus(err))
	names := make([]string, 0, len(e.Violations))
	for _, v := range e.Violations {
		names = append(names, v.Field)
	}
	if got := strings.Join(names, " "); e.Code != code || got != fields {
		t.Errorf("got %s with violations of %q, want %s with %q", e.Code, got, code, fields)
	}
}

// TestConnectRefusals sends requests that Connect refuses before it calls an interceptor.
func TestConnectRefusals(t *testing.T) {
	s := start(t)
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	if _, err := w.Write(bytes.Repeat([]byte(" "), 32<<20)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		name, value, body string
		code              apperr.Code
		rpc               string
	}{
		"other protocol version": {"Connect-Protocol-Version", "9", "{}", apperr.ValidationFailed, "invalid_argument"},
		"invalid timeout":        {"Connect-Timeout-Ms", "soon", "{}", apperr.ValidationFailed, "invalid_argument"},
		"not gzip":               {"Content-Encoding", "gzip", "{}", apperr.ValidationFailed, "invalid_argument"},
		"decompression bomb":     {"Content-Encoding", "gzip", bomb.String(), apperr.PayloadTooLarge, "resource_exhausted"},
		"other compression":      {"Content-Encoding", "br", "{}", apperr.UnsupportedMediaType, "invalid_argument"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, "POST "+procedure+"Claim", "player", tt.body, "Connect-Protocol-Version: 1", tt.name+": "+tt.value)
			for _, want := range []string{`"code":"` + tt.rpc + `"`, `"reason":"` + string(tt.code) + `"`, "google.rpc.ErrorInfo"} {
				if !strings.Contains(a.body, want) {
					t.Errorf("the answer %d %s does not contain %s", a.status, a.body, want)
				}
			}
			if s.last() != nil {
				t.Error("the use case was called")
			}
			if tt.name == "Connect-Protocol-Version" {
				return // a request without this header is not a Connect request
			}
			a = s.call(t, "POST "+procedure+"Claim", "player", tt.body, tt.name+": "+tt.value)
			a.problem(t, tt.code.Info().HTTP, tt.code)
		})
	}
}

// TestConnectBodies sends bodies that client libraries do not write.
func TestConnectBodies(t *testing.T) {
	s := start(t)
	large := `{"promotion":{"title":"` + strings.Repeat("x", 2<<20) + `"}}`
	for name, tt := range map[string]struct {
		media, body, fields string
		rpc                 connect.Code
		code                apperr.Code
	}{
		"incomplete JSON": {"application/json", `{`, "", connect.CodeInvalidArgument, apperr.ValidationFailed},
		"unknown field":   {"application/json", `{"x":1,"promotion":` + complete + `}`, "x", connect.CodeInvalidArgument, apperr.ValidationFailed},
		"nested path":     {"application/json", `{"promotion":{"x":1,` + complete[1:] + `}`, "promotion.x", connect.CodeInvalidArgument, apperr.ValidationFailed},
		"empty object":    {"application/json", `{}`, "promotion", connect.CodeInvalidArgument, apperr.ValidationFailed},
		"invalid message": {"application/proto", "\xff\xff", "", connect.CodeInvalidArgument, apperr.ValidationFailed},
		"invalid UTF-8":   {"application/proto", "\x0a\x03\x12\x01\xff", "", connect.CodeInvalidArgument, apperr.ValidationFailed},
		"too large":       {"application/json", large, "", connect.CodeResourceExhausted, apperr.PayloadTooLarge},
		"much too large":  {"application/json", large + large + large, "", connect.CodeResourceExhausted, apperr.PayloadTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+procedure+"CreatePromotion", strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer staff")
			req.Header.Set("Content-Type", tt.media)
			req.Header.Set("Connect-Protocol-Version", "1")
			c := connect.NewClient[raw, raw](fixedRequest{req}, s.url+procedure+"CreatePromotion", connect.WithCodec(rawCodec{}))
			_, err = c.CallUnary(t.Context(), connect.NewRequest(&raw{}))
			refused(t, err, tt.rpc, tt.code, tt.fields)
		})
	}
}

// fixedRequest sends req instead of the request of the Connect client. The client then reads the answer to req.
type fixedRequest struct{ req *http.Request }

func (d fixedRequest) Do(*http.Request) (*http.Response, error) {
	return http.DefaultTransport.RoundTrip(d.req)
}

type raw struct{}

type rawCodec struct{}

func (rawCodec) Name() string                { return "json" }
func (rawCodec) Marshal(any) ([]byte, error) { return nil, nil }
func (rawCodec) Unmarshal([]byte, any) error { return nil }

func TestUpdateOverConnect(t *testing.T) {
	s := start(t)
	c := promotionsv1connect.NewPromotionServiceClient(http.DefaultClient, s.url, connect.WithInterceptors(asStaff()))
	off := false
	for name, tt := range map[string]struct {
		p            *promotionsv1.Promotion
		mask         []string
		fields, want string
	}{
		"no mask":                {&promotionsv1.Promotion{Title: "A", IsActive: &off}, nil, "", `promotion:{title:"A" is_active:false} update_mask:{paths:"is_active" paths:"title"}`},
		"one field in the mask":  {&promotionsv1.Promotion{Title: "A", Amount: "x"}, []string{"title"}, "", `promotion:{title:"A"} update_mask:{paths:"title"}`},
		"empty description":      {&promotionsv1.Promotion{}, []string{"description"}, "", `promotion:{} update_mask:{paths:"description"}`},
		"duplicate path":         {&promotionsv1.Promotion{Title: "A"}, []string{"title", "title"}, "", `promotion:{title:"A"} update_mask:{paths:"title"}`},
		"empty mask":             {&promotionsv1.Promotion{Title: "A", IsActive: &off}, []string{}, "", `promotion:{title:"A" is_active:false} update_mask:{paths:"is_active" paths:"title"}`},
		"mask of an empty path":  {&promotionsv1.Promotion{Title: "A"}, []string{""}, "", `promotion:{title:"A"} update_mask:{paths:"title"}`},
		"empty request":          {nil, nil, "", `promotion:{} update_mask:{}`},
		"required field missing": {&promotionsv1.Promotion{}, []string{"title"}, "promotion.title", ""},
		"optional field missing": {&promotionsv1.Promotion{}, []string{"is_active"}, "promotion.isActive", ""},
		"type":                   {&promotionsv1.Promotion{Type: promotionsv1.PromotionType_BONUS}, nil, "promotion.type", ""},
		"id":                     {&promotionsv1.Promotion{}, []string{"id"}, "promotion.id", ""},
		"unknown field":          {&promotionsv1.Promotion{}, []string{"colour"}, "update_mask", ""},
		"nested path":            {&promotionsv1.Promotion{}, []string{"created_at.seconds"}, "update_mask", ""},
		"wildcard":               {&promotionsv1.Promotion{}, []string{"*"}, "update_mask", ""},
		"title too long":         {&promotionsv1.Promotion{Title: strings.Repeat("x", 201)}, nil, "promotion.title", ""},
	} {
		t.Run(name, func(t *testing.T) {
			req := &promotionsv1.UpdatePromotionRequest{PromotionId: thingID, Promotion: tt.p}
			if tt.mask != nil {
				req.UpdateMask = &fieldmaskpb.FieldMask{Paths: tt.mask}
			}
			_, err := c.UpdatePromotion(t.Context(), connect.NewRequest(req))
			if tt.want == "" {
				refused(t, err, connect.CodeInvalidArgument, apperr.ValidationFailed, tt.fields)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			same(t, s.last(), &promotionsv1.UpdatePromotionRequest{}, `promotion_id:"`+thingID+`" `+tt.want)
		})
	}
}

func TestHealthOverGRPC(t *testing.T) {
	s := start(t)
	// An empty Help message has the same encoding as an empty HealthCheckRequest.
	c := connect.NewClient[errdetails.Help, errdetails.Help](h2c(t), s.url+"/grpc.health.v1.Health/Check", connect.WithGRPC())
	if _, err := c.CallUnary(t.Context(), connect.NewRequest(&errdetails.Help{})); err != nil {
		t.Error(err)
	}
}

// TestEmptyMask sends an update_mask that is present but empty, over every protocol and as JSON text.
func TestEmptyMask(t *testing.T) {
	s := start(t)
	for name, options := range map[string][]connect.ClientOption{
		"Connect": nil, "Connect JSON": {connect.WithProtoJSON()}, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()},
	} {
		options = append(options, connect.WithInterceptors(asStaff()))
		c := promotionsv1connect.NewPromotionServiceClient(h2c(t), s.url, options...)
		_, err := c.UpdatePromotion(t.Context(), connect.NewRequest(&promotionsv1.UpdatePromotionRequest{
			PromotionId: thingID, Promotion: &promotionsv1.Promotion{Title: "A"}, UpdateMask: &fieldmaskpb.FieldMask{},
		}))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		same(t, s.last(), &promotionsv1.UpdatePromotionRequest{},
			`promotion_id:"`+thingID+`" promotion:{title:"A"} update_mask:{paths:"title"}`)
	}
	for _, mask := range []string{`""`, "null", `","`, `" "`, `" , "`} {
		a := s.call(t, "POST "+procedure+"UpdatePromotion", "staff",
			`{"promotion_id":"`+thingID+`","promotion":{"title":"A"},"update_mask":`+mask+`}`)
		if a.status != http.StatusOK {
			t.Errorf("update_mask %s: got %d %s", mask, a.status, a.body)
			continue
		}
		same(t, s.last(), &promotionsv1.UpdatePromotionRequest{},
			`promotion_id:"`+thingID+`" promotion:{title:"A"} update_mask:{paths:"title"}`)
	}
}

func TestInvalidMaskOverConnect(t *testing.T) {
	s := start(t)
	for mask, want := range map[string]string{
		`"title,"`:            "field names separated by commas",
		`"title,,amount"`:     "field names separated by commas",
		`"Title"`:             "field names separated by commas",
		`"start_date"`:        "field names separated by commas",
		`"*"`:                 "field names separated by commas",
		`{"paths":["title"]}`: "field names separated by commas",
		`["title"]`:           "field names separated by commas",
		`1`:                   "field names separated by commas",
		`"colour"`:            `no field \"colour\"`,
	} {
		a := s.call(t, "POST "+procedure+"UpdatePromotion", "staff",
			`{"promotion_id":"`+thingID+`","promotion":{"title":"A"},"update_mask":`+mask+`}`)
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, `"update_mask"`) || !strings.Contains(a.body, want) {
			t.Errorf("update_mask %s: got %d %s, want a violation of update_mask with %q", mask, a.status, a.body, want)
		}
	}
}

func TestPageSizeOverConnect(t *testing.T) {
	s := start(t)
	for size, want := range map[string]string{
		"20": "page_size:20", "20.0": "page_size:20", "2e1": "page_size:20", "99999999999": "page_size:2147483647", "20.5": "", `"20"`: "",
	} {
		a := s.call(t, "POST "+procedure+"ListPromotions", "staff", `{"page_size":`+size+`}`)
		if want == "" {
			if a.status != http.StatusBadRequest || !strings.Contains(a.body, `"page_size"`) {
				t.Errorf("page_size %s: got %d %s, want a violation of page_size", size, a.status, a.body)
			}
			continue
		}
		if a.status != http.StatusOK {
			t.Errorf("page_size %s: got %d %s", size, a.status, a.body)
			continue
		}
		same(t, s.last(), &promotionsv1.ListPromotionsRequest{}, want)
	}
}

// TestViolationsOfUseCases checks that the violations of a use case name fields as the client wrote them.
func TestViolationsOfUseCases(t *testing.T) {
	s := start(t)
	c := promotionsv1connect.NewPromotionServiceClient(http.DefaultClient, s.url, connect.WithInterceptors(asStaff()))
	valid := &promotionsv1.Promotion{
		Title: "A", Type: promotionsv1.PromotionType_BONUS, Amount: "1", StartDate: "2026-01-01", EndDate: "2026-01-02",
	}
	for field, want := range map[string]string{
		"endDate":      "promotion.endDate",
		"endDate.day":  "promotion.endDate.day",
		"title[2]":     "promotion.title[2]",
		"promotion_id": "promotion_id",
		"promotion":    "promotion",
		"other":        "other",
		"":             "",
	} {
		s.fail(fmt.Errorf("use case: %w", apperr.Invalid(field, "period", "wrong")))
		_, err := c.UpdatePromotion(t.Context(), connect.NewRequest(&promotionsv1.UpdatePromotionRequest{
			PromotionId: thingID, Promotion: &promotionsv1.Promotion{Title: "A"},
		}))
		refused(t, err, connect.CodeInvalidArgument, apperr.ValidationFailed, want)
		if want != "" && !strings.Contains(err.Error(), want+": wrong") {
			t.Errorf("the message %q does not name %s", err, want)
		}
		a := s.call(t, "PATCH "+promotions+"/"+thingID, "staff", `{"title":"A"}`)
		a.problem(t, http.StatusBadRequest, apperr.ValidationFailed)
		if got := a.fields(t); got != field {
			t.Errorf("REST: got violations of %q, want %q", got, field)
		}
	}
	s.fail(apperr.InvalidAll([]apperr.Violation{{Field: "endDate", Rule: "period"}, {Field: "promotion.title", Rule: "x"}}))
	_, err := c.CreatePromotion(t.Context(), connect.NewRequest(&promotionsv1.CreatePromotionRequest{Promotion: valid}))
	refused(t, err, connect.CodeInvalidArgument, apperr.ValidationFailed, "promotion.endDate promotion.title")
}
