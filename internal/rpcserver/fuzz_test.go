package rpcserver_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

func FuzzBearerToken(f *testing.F) {
	for _, header := range []string{"Bearer x", "bearer x", "Bearer  x ", "Bearer", "Basic x", "", "Bearer a b", "\x00"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		token, ok := rpcserver.BearerToken(http.Header{"Authorization": {header}})
		if ok != (token != "") || token != strings.TrimSpace(token) || !strings.Contains(header, token) {
			t.Errorf("BearerToken(%q) = %q, %v", header, token, ok)
		}
		if again, _ := rpcserver.BearerToken(http.Header{"Authorization": {"Bearer " + token}}); again != token {
			t.Errorf("the token %q is read as %q", token, again)
		}
	})
}

func FuzzChooseRequestID(f *testing.F) {
	for _, id := range []string{"0191-abc_DEF.9", "short", "<script>", strings.Repeat("x", 65), "", "abcdefgh\n"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, given string) {
		id := rpcserver.ChooseRequestID([]string{given})
		if len(id) < 8 || len(id) > 64 || rpcserver.ChooseRequestID([]string{id}) != id {
			t.Errorf("ChooseRequestID(%q) = %q", given, id)
		}
		for _, c := range id {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", c) {
				t.Errorf("ChooseRequestID(%q) = %q", given, id)
			}
		}
	})
}

// fuzzHandler returns the handler of a server whose use cases record their requests.
func fuzzHandler(f *testing.F) (http.Handler, *useCases) {
	f.Helper()
	s, err := rpcserver.New(rpcserver.Config{
		Service: "fuzz", Authenticator: tokens{}, FreshFactor: fresh, Log: slog.New(slog.DiscardHandler),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	})
	if err != nil {
		f.Fatal(err)
	}
	u := &useCases{}
	s.Mount(promotionsv1connect.NewPromotionServiceHandler(u, s.Options()...))
	h, err := s.Handler()
	if err != nil {
		f.Fatal(err)
	}
	return h, u
}

// send sends a request as a staff member and returns the status.
func send(h http.Handler, method, path, query, body string, header http.Header) int {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.URL.RawQuery = query
	r.Header = header
	r.Header.Set("Authorization", "Bearer staff")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func FuzzForwardedAddress(f *testing.F) {
	h, u := fuzzHandler(f)
	for _, address := range []string{"203.0.113.7", "::ffff:203.0.113.7", "fe80::1%eth0", "localhost", "", "203.0.113.7:80"} {
		f.Add(address, "https")
	}
	f.Fuzz(func(t *testing.T, address, scheme string) {
		header := http.Header{"X-Real-Ip": {address}, "X-Forwarded-Proto": {scheme}}
		if status := send(h, http.MethodGet, promotions, "", "", header); status != http.StatusOK {
			t.Fatalf("got status %d", status)
		}
		want := netip.MustParseAddr("192.0.2.1")
		if addr, err := netip.ParseAddr(address); err == nil {
			want = addr.Unmap().WithZone("")
		}
		if u.client != want {
			t.Errorf("the client address of X-Real-IP %q is %v, want %v", address, u.client, want)
		}
	})
}

func FuzzContentType(f *testing.F) {
	h, _ := fuzzHandler(f)
	for _, media := range []string{
		"application/json", "application/merge-patch+json; charset=utf-8", "application/json; charset=latin1", ";", "", "a/b; c",
	} {
		f.Add(media)
	}
	f.Fuzz(func(t *testing.T, media string) {
		status := send(h, http.MethodPatch, promotions+"/"+thingID, "", `{"title":"A"}`, http.Header{"Content-Type": {media}})
		isJSON := strings.Contains(strings.ToLower(media), "json")
		if status != http.StatusUnsupportedMediaType && (status != http.StatusOK || !isJSON) {
			t.Errorf("Content-Type %q: got status %d", media, status)
		}
	})
}

// FuzzQuery checks that a plain title in a query has the value that url.ParseQuery returns.
func FuzzQuery(f *testing.F) {
	h, u := fuzzHandler(f)
	for _, value := range []string{"Spin;Win", "a+b", "50%", "%zz", "%c3%bc", "ü", "a=b", "&", "\xff", "%00", "\u3164"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		status := send(h, http.MethodGet, promotions, "title="+value, "", http.Header{})
		if status != http.StatusOK && status != http.StatusBadRequest {
			t.Fatalf("title %q: got status %d", value, status)
		}
		values, err := url.ParseQuery("title=" + value)
		if err != nil || len(values) != 1 || len(values["title"]) != 1 || strings.Contains(value, "&") {
			return
		}
		want := &promotionsv1.ListPromotionsRequest{Title: values.Get("title")}
		got, ok := u.last().(*promotionsv1.ListPromotionsRequest)
		isPlain := utf8.ValidString(want.GetTitle()) && strings.Trim(want.GetTitle(), "abcdefghijklmnopqrstuvwxyz;=") == ""
		if isPlain && (status != http.StatusOK || !ok || !proto.Equal(got, want)) && len(want.GetTitle()) <= 200 {
			t.Errorf("title %q: got status %d and %v, want %v", value, status, got, want)
		}
	})
}

func FuzzUpdateMask(f *testing.F) {
	h, u := fuzzHandler(f)
	for _, mask := range []string{"title", "title,amount", "", ",", "title,", "start_date", "*", "type", "promotion.title"} {
		f.Add(mask)
	}
	f.Fuzz(func(t *testing.T, mask string) {
		query := "update_mask=" + url.QueryEscape(mask)
		status := send(h, http.MethodPatch, promotions+"/"+thingID, query, `{"title":"A","amount":"1"}`,
			http.Header{"Content-Type": {"application/json"}})
		m, _ := u.last().(*promotionsv1.UpdatePromotionRequest)
		if status == http.StatusBadRequest && m == nil {
			return
		}
		for _, path := range m.GetUpdateMask().GetPaths() {
			if status != http.StatusOK || path != "title" && path != "amount" {
				t.Errorf("update_mask %q: got status %d and the mask %v", mask, status, m.GetUpdateMask())
			}
		}
	})
}
