package e2e_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
)

// sockets tests the WebSocket of notifications.
func sockets(t *testing.T, p platform, callers map[string]client) {
	t.Run("admission", func(t *testing.T) { admission(t, p, callers) })
	t.Run("subprotocols", func(t *testing.T) { subprotocols(t, p, callers["P"].token) })
	t.Run("encodings", func(t *testing.T) { encodings(t, p, callers) })
	t.Run("resume after an unknown notification", func(t *testing.T) { unknownResume(t, p, callers) })
	t.Run("malformed frames", func(t *testing.T) { malformedFrames(t, p, callers) })
}

func socketURL(p platform) string {
	return "ws" + strings.TrimPrefix(p.url, "http") + "/notifications/ws"
}

// dial opens a WebSocket. The connection is nil if the handshake is refused.
func dial(t *testing.T, url string, header http.Header, subprotocols ...string) (*websocket.Conn, *http.Response) {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: subprotocols, HandshakeTimeout: timeout}
	conn, response, err := dialer.DialContext(t.Context(), url, header)
	if response == nil {
		t.Fatalf("the handshake has no response: %v", err)
	}
	if conn != nil {
		t.Cleanup(func() { conn.Close() })
		if err := conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
			t.Fatal(err)
		}
	}
	return conn, response
}

// admission opens WebSockets with different tokens and origins.
func admission(t *testing.T, p platform, callers map[string]client) {
	const foreign = "https://evil.example"
	player, forger := callers["P"].token, newForger(t, p)
	for name, tt := range map[string]struct {
		token, origin string
		want          int
		code          string
	}{
		"no token":                    {"", "", 401, "TOKEN_MISSING"},
		"malformed token":             {"x", "", 401, "TOKEN_INVALID"},
		"expired token":               {forger.forge(player, nil, object{"exp": 1700000000}), "", 401, "TOKEN_EXPIRED"},
		"refresh token":               {refreshToken(callers["P"].in(t), password), "", 401, "TOKEN_INVALID"},
		"staff":                       {callers["S"].token, "", 403, "FORBIDDEN"},
		"admin":                       {callers["A"].token, "", 403, "FORBIDDEN"},
		"foreign origin":              {player, foreign, 403, "FORBIDDEN"},
		"null origin":                 {player, "null", 403, "FORBIDDEN"},
		"origin with another port":    {player, "http://127.0.0.1:1", 403, "FORBIDDEN"},
		"origin with a longer host":   {player, p.url + ".evil.example", 403, "FORBIDDEN"},
		"player without an origin":    {player, "", 101, ""},
		"player with the same origin": {player, p.url, 101, ""},
	} {
		header, offered := http.Header{}, []string{"loyalty.v1"}
		if tt.origin != "" {
			header.Set("Origin", tt.origin)
		}
		if tt.token != "" {
			offered = append(offered, "bearer."+tt.token)
		}
		ways := map[string]func() *http.Response{
			"subprotocols": func() *http.Response { _, r := dial(t, socketURL(p), header, offered...); return r },
			"header": func() *http.Response {
				header := header.Clone()
				if tt.token != "" {
					header.Set("Authorization", "Bearer "+tt.token)
				}
				_, r := dial(t, socketURL(p), header)
				return r
			},
		}
		for way, try := range ways {
			response := try()
			if response.StatusCode != tt.want {
				t.Errorf("%s, token in the %s: status %s, want %d", name, way, response.Status, tt.want)
			}
			if tt.want != 101 {
				body, _ := io.ReadAll(response.Body) // gorilla keeps the first 1,024 bytes
				if !strings.Contains(string(body), `"code":"`+tt.code+`"`) {
					t.Errorf("%s, token in the %s: got %s, want code %s", name, way, body, tt.code)
				}
			}
		}
	}
	anonymous := client{t: t, url: p.url}
	anonymous.refused(401, "TOKEN_MISSING", "GET", "/notifications/ws?access_token="+player, nil,
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
}

// subprotocols offers subprotocols in different orders.
func subprotocols(t *testing.T, p platform, token string) {
	for _, tt := range []struct {
		offered []string
		want    string
	}{
		{[]string{"loyalty.v1", "bearer." + token}, "loyalty.v1"},
		{[]string{"bearer." + token, "loyalty.v1"}, "loyalty.v1"},
		{[]string{"loyalty.v1+proto", "bearer." + token}, "loyalty.v1+proto"},
		{[]string{"other.v1", "bearer." + token}, ""},
	} {
		_, response := dial(t, socketURL(p), nil, tt.offered...)
		if got := response.Header.Get("Sec-WebSocket-Protocol"); got != tt.want {
			t.Errorf("offered %.20q: the subprotocol is %.20q, want %q", tt.offered, got, tt.want)
		}
	}
}

// encodings checks that JSON and protobuf frames have the same content.
func encodings(t *testing.T, p platform, callers map[string]client) {
	c := newPlayer(t, p.url)
	staff := callers["S"].in(t)
	asJSON := connect(c, "")
	asProto, _ := dial(t, socketURL(p), nil, "loyalty.v1+proto", "bearer."+c.token)
	promotion := newPromotion(staff, "BONUS", "3.00").text("id")
	assign(staff, promotion, c)
	kind, encoded, err := asProto.ReadMessage()
	frame := &notificationsv1.Frame{}
	if err != nil || kind != websocket.BinaryMessage || proto.Unmarshal(encoded, frame) != nil {
		t.Fatalf("got message %q of kind %d, %v, want a protobuf frame", encoded, kind, err)
	}
	other := asJSON.frame()
	if got := frame.GetNotification().GetId(); got == "" || got != text(other, "notification.id") {
		t.Errorf("the frames are %v in JSON and %v in protobuf", other, frame)
	}
	if got := frame.GetNotification().GetContent().AsMap()["id"]; got != promotion {
		t.Errorf("the binary frame is about %v, want promotion %s", got, promotion)
	}
}

// unknownResume resumes after notifications that do not exist.
func unknownResume(t *testing.T, p platform, callers map[string]client) {
	header := http.Header{"Authorization": {"Bearer " + callers["P"].token}}
	for _, since := range []string{someID, "x", "%00", strings.Repeat("a", 3000)} {
		conn, response := dial(t, socketURL(p)+"?since="+since, header)
		if conn == nil {
			t.Errorf("since=%.20s: status %s, want 101", since, response.Status)
			continue
		}
		frame := socket{t, conn}.frame()
		if text(frame, "reset.reason") == "" || len(frame) != 1 {
			t.Errorf("since=%.20s: got %v, want a reset", since, frame)
		}
	}
}

// malformedFrames checks that a malformed frame closes its WebSocket and does not affect other WebSockets. It also checks
// that the server ignores well-formed messages of a client.
func malformedFrames(t *testing.T, p platform, callers map[string]client) {
	c := newPlayer(t, p.url)
	staff := callers["S"].in(t)
	header := http.Header{"Authorization": {"Bearer " + c.token}}
	silent := connect(c, "")
	for name, sent := range map[string][]byte{
		"unmasked frame":               {0x81, 0x02, 'h', 'i'},
		"unknown opcode":               {0x8f, 0x80, 0, 0, 0, 0},
		"reserved bit":                 {0xf1, 0x80, 0, 0, 0, 0},
		"oversize control frame":       append([]byte{0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0}, make([]byte, 256)...),
		"continuation without a start": {0x80, 0x80, 0, 0, 0, 0},
		"frame of 2^62 bytes":          {0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"fragmented control frame":     {0x09, 0x80, 0, 0, 0, 0},
	} {
		conn, _ := dial(t, socketURL(p), header)
		if _, err := conn.NetConn().Write(sent); err != nil {
			t.Fatal(err)
		}
		_, _, err := conn.ReadMessage()
		if err == nil || strings.Contains(err.Error(), "timeout") {
			t.Errorf("%s: got %v, want the connection closed", name, err)
		}
	}
	sender, _ := dial(t, socketURL(p), header)
	for kind, message := range map[int]string{websocket.TextMessage: `{"hello":1}`, websocket.BinaryMessage: "\xff\xfe"} {
		if err := sender.WriteMessage(kind, []byte(message)); err != nil {
			t.Fatal(err)
		}
	}
	promotion := newPromotion(staff, "BONUS", "1.00").text("id")
	assign(staff, promotion, c)
	for name, s := range map[string]socket{"silent client": silent, "client that sends messages": {t, sender}} {
		if frame := s.frame(); text(frame, "notification.content.id") != promotion {
			t.Errorf("%s: got %v, want a notification of promotion %s", name, frame, promotion)
		}
	}
}
