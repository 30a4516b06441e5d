package rpcserver_test

import (
	"bytes"
	"compress/gzip"
	"context"
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
			options = append(options, connect.WithInterceptors(as("staff")))
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

// as shows a token with every call.
func as(token string) connect.UnaryInterceptorFunc {
	return func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			req.Header().Set("Authorization", "Bearer "+token)
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
		t.Errorf("got %s with the fields %q, want %s with %q", e.Code, got, code, fields)
	}
}

// TestConnectRefusals are requests that Connect refuses itself, before it calls anything of ours.
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
		"another version":        {"Connect-Protocol-Version", "9", "{}", apperr.ValidationFailed, "invalid_argument"},
		"a timeout that is none": {"Connect-Timeout-Ms", "soon", "{}", apperr.ValidationFailed, "invalid_argument"},
		"not gzip":               {"Content-Encoding", "gzip", "{}", apperr.ValidationFailed, "invalid_argument"},
		"a bomb":                 {"Content-Encoding", "gzip", bomb.String(), apperr.PayloadTooLarge, "resource_exhausted"},
		"another compression":    {"Content-Encoding", "br", "{}", apperr.UnsupportedMediaType, "invalid_argument"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call(t, "POST "+procedure+"Claim", "staff", tt.body, "Connect-Protocol-Version: 1", tt.name+": "+tt.value)
			for _, want := range []string{`"code":"` + tt.rpc + `"`, `"reason":"` + string(tt.code) + `"`, "google.rpc.ErrorInfo"} {
				if !strings.Contains(a.body, want) {
					t.Errorf("the answer %d %s has no %s", a.status, a.body, want)
				}
			}
			if s.last() != nil {
				t.Error("the use case was called")
			}
			if tt.name == "Connect-Protocol-Version" {
				return // it is what tells a Connect client
			}
			a = s.call(t, "POST "+procedure+"Claim", "staff", tt.body, tt.name+": "+tt.value)
			a.problem(t, tt.code.Info().HTTP, tt.code)
		})
	}
}

// TestConnectBodies are bodies that no client library writes.
func TestConnectBodies(t *testing.T) {
	s := start(t)
	large := `{"promotion":{"title":"` + strings.Repeat("x", 2<<20) + `"}}`
	for name, tt := range map[string]struct {
		media, body, fields string
		rpc                 connect.Code
		code                apperr.Code
	}{
		"no JSON":          {"application/json", `{`, "", connect.CodeInvalidArgument, apperr.ValidationFailed},
		"an unknown field": {"application/json", `{"x":1,"promotion":` + complete + `}`, "x", connect.CodeInvalidArgument, apperr.ValidationFailed},
		"a nested one":     {"application/json", `{"promotion":{"x":1,` + complete[1:] + `}`, "promotion.x", connect.CodeInvalidArgument, apperr.ValidationFailed},
		"no promotion":     {"application/json", `{}`, "promotion", connect.CodeInvalidArgument, apperr.ValidationFailed},
		"no message":       {"application/proto", "\xff\xff", "", connect.CodeInvalidArgument, apperr.ValidationFailed},
		"no UTF-8":         {"application/proto", "\x0a\x03\x12\x01\xff", "", connect.CodeInvalidArgument, apperr.ValidationFailed},
		"too large":        {"application/json", large, "", connect.CodeResourceExhausted, apperr.PayloadTooLarge},
		"much too large":   {"application/json", large + large + large, "", connect.CodeResourceExhausted, apperr.PayloadTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+procedure+"CreatePromotion", strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer staff")
			req.Header.Set("Content-Type", tt.media)
			req.Header.Set("Connect-Protocol-Version", "1")
			c := connect.NewClient[raw, raw](doer{req}, s.url+procedure+"CreatePromotion", connect.WithCodec(rawCodec{}))
			_, err = c.CallUnary(t.Context(), connect.NewRequest(&raw{}))
			refused(t, err, tt.rpc, tt.code, tt.fields)
		})
	}
}

// doer sends its own request, whatever it is told to send, so that Connect's client reads the answer to it.
type doer struct{ req *http.Request }

func (d doer) Do(*http.Request) (*http.Response, error) {
	return http.DefaultTransport.RoundTrip(d.req)
}

type raw struct{}

type rawCodec struct{}

func (rawCodec) Name() string                { return "json" }
func (rawCodec) Marshal(any) ([]byte, error) { return nil, nil }
func (rawCodec) Unmarshal([]byte, any) error { return nil }

func TestUpdateOverConnect(t *testing.T) {
	s := start(t)
	c := promotionsv1connect.NewPromotionServiceClient(http.DefaultClient, s.url, connect.WithInterceptors(as("staff")))
	off := false
	for name, tt := range map[string]struct {
		p            *promotionsv1.Promotion
		mask         []string
		fields, want string
	}{
		"what is set, without a mask": {&promotionsv1.Promotion{Title: "A", IsActive: &off}, nil, "", `promotion:{title:"A" is_active:false} update_mask:{paths:"is_active" paths:"title"}`},
		"only what is masked":         {&promotionsv1.Promotion{Title: "A", Amount: "x"}, []string{"title"}, "", `promotion:{title:"A"} update_mask:{paths:"title"}`},
		"a text is emptied":           {&promotionsv1.Promotion{}, []string{"description"}, "", `promotion:{} update_mask:{paths:"description"}`},
		"twice the same":              {&promotionsv1.Promotion{Title: "A"}, []string{"title", "title"}, "", `promotion:{title:"A"} update_mask:{paths:"title"}`},
		"nothing at all":              {nil, nil, "", `promotion:{} update_mask:{}`},
		"a required one is missing":   {&promotionsv1.Promotion{}, []string{"title"}, "promotion.title", ""},
		"an optional one is missing":  {&promotionsv1.Promotion{}, []string{"is_active"}, "promotion.isActive", ""},
		"the type":                    {&promotionsv1.Promotion{Type: promotionsv1.PromotionType_BONUS}, nil, "promotion.type", ""},
		"the id":                      {&promotionsv1.Promotion{}, []string{"id"}, "promotion.id", ""},
		"an unknown one":              {&promotionsv1.Promotion{}, []string{"colour"}, "update_mask", ""},
		"a nested one":                {&promotionsv1.Promotion{}, []string{"created_at.seconds"}, "update_mask", ""},
		"everything":                  {&promotionsv1.Promotion{}, []string{"*"}, "update_mask", ""},
		"too long":                    {&promotionsv1.Promotion{Title: strings.Repeat("x", 201)}, nil, "promotion.title", ""},
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
	c := connect.NewClient[errdetails.Help, errdetails.Help](h2c(t), s.url+"/grpc.health.v1.Health/Check", connect.WithGRPC())
	if _, err := c.CallUnary(t.Context(), connect.NewRequest(&errdetails.Help{})); err != nil {
		t.Error(err)
	}
}
