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

// sockets knocks at the live notifications.
func sockets(t *testing.T, p platform, callers map[string]client) {
	t.Run("are for players", func(t *testing.T) { admission(t, p, callers) })
	t.Run("agree on a subprotocol", func(t *testing.T) { subprotocols(t, p, callers["P"].token) })
	t.Run("speak JSON and protobuf", func(t *testing.T) { binary(t, p, callers) })
	t.Run("reset whom they cannot resume", func(t *testing.T) { unknownPlaces(t, p, callers) })
	t.Run("survive garbage", func(t *testing.T) { garbage(t, p, callers) })
}

func socketURL(p platform) string {
	return "ws" + strings.TrimPrefix(p.url, "http") + "/notifications/ws"
}

// dial asks for a socket; the connection is nil where it is refused.
func dial(t *testing.T, url string, header http.Header, subprotocols ...string) (*websocket.Conn, *http.Response) {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: subprotocols, HandshakeTimeout: patience}
	conn, response, err := dialer.DialContext(t.Context(), url, header)
	if response == nil {
		t.Fatalf("no answer to the handshake: %v", err)
	}
	if conn != nil {
		t.Cleanup(func() { conn.Close() })
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
	}
	return conn, response
}

func admission(t *testing.T, p platform, callers map[string]client) {
	const elsewhere = "https://evil.example"
	player, forger := callers["P"].token, newForger(t, p)
	for name, tt := range map[string]struct {
		token, origin string
		want          int
		code          string
	}{
		"nobody":                     {"", "", 401, "TOKEN_MISSING"},
		"a token that is none":       {"x", "", 401, "TOKEN_INVALID"},
		"a token that has expired":   {forger.forge(player, nil, object{"exp": 1700000000}), "", 401, "TOKEN_EXPIRED"},
		"a refresh token":            {refreshToken(callers["P"].in(t), password), "", 401, "TOKEN_INVALID"},
		"an employee":                {callers["S"].token, "", 403, "FORBIDDEN"},
		"an admin":                   {callers["A"].token, "", 403, "FORBIDDEN"},
		"a page from elsewhere":      {player, elsewhere, 403, "FORBIDDEN"},
		"a page of nowhere":          {player, "null", 403, "FORBIDDEN"},
		"a page of another port":     {player, "http://127.0.0.1:1", 403, "FORBIDDEN"},
		"a page of a longer host":    {player, p.url + ".evil.example", 403, "FORBIDDEN"},
		"a player's program":         {player, "", 101, ""},
		"a player's page of its own": {player, p.url, 101, ""},
	} {
		header, browser := http.Header{}, []string{"loyalty.v1"}
		if tt.origin != "" {
			header.Set("Origin", tt.origin)
		}
		if tt.token != "" {
			browser = append(browser, "bearer."+tt.token)
		}
		ways := map[string]func() *http.Response{
			"subprotocols": func() *http.Response { _, r := dial(t, socketURL(p), header, browser...); return r },
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
				t.Errorf("%s, by %s, is answered %s", name, way, response.Status)
			}
			if tt.want != 101 {
				body, _ := io.ReadAll(response.Body) // gorilla keeps the beginning
				if !strings.Contains(string(body), `"code":"`+tt.code+`"`) {
					t.Errorf("%s, by %s, is answered %s", name, way, body)
				}
			}
		}
	}
	nobody := client{t: t, url: p.url}
	nobody.refused(401, "TOKEN_MISSING", "GET", "/notifications/ws?access_token="+player, nil,
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
}

func subprotocols(t *testing.T, p platform, token string) {
	for _, tt := range []struct {
		asked []string
		want  string
	}{
		{[]string{"loyalty.v1", "bearer." + token}, "loyalty.v1"},
		{[]string{"bearer." + token, "loyalty.v1"}, "loyalty.v1"},
		{[]string{"loyalty.v1+proto", "bearer." + token}, "loyalty.v1+proto"},
		{[]string{"else.v1", "bearer." + token}, ""},
	} {
		_, response := dial(t, socketURL(p), nil, tt.asked...)
		if got := response.Header.Get("Sec-WebSocket-Protocol"); got != tt.want {
			t.Errorf("asked for %.20q the platform speaks %.20q", tt.asked, got)
		}
	}
}

// binary sees that both encodings tell the same.
func binary(t *testing.T, p platform, callers map[string]client) {
	c := newPlayer(t, p.url)
	staff := callers["S"].in(t)
	asJSON := connect(c, "")
	asProto, _ := dial(t, socketURL(p), nil, "loyalty.v1+proto", "bearer."+c.token)
	promotion := newPromotion(staff, "BONUS", "3.00").text("id")
	assign(staff, promotion, c)
	kind, encoded, err := asProto.ReadMessage()
	frame := &notificationsv1.Frame{}
	if err != nil || kind != websocket.BinaryMessage || proto.Unmarshal(encoded, frame) != nil {
		t.Fatalf("a binary socket is sent %q of kind %d: %v", encoded, kind, err)
	}
	told := asJSON.frame()
	if got := frame.GetNotification().GetId(); got == "" || got != text(told, "notification.id") {
		t.Errorf("told %v in JSON, %v in protobuf", told, frame)
	}
	if got := frame.GetNotification().GetContent().AsMap()["id"]; got != promotion {
		t.Errorf("the binary frame is about %v", got)
	}
}

func unknownPlaces(t *testing.T, p platform, callers map[string]client) {
	header := http.Header{"Authorization": {"Bearer " + callers["P"].token}}
	for _, since := range []string{someID, "x", "%00", strings.Repeat("a", 3000)} {
		conn, response := dial(t, socketURL(p)+"?since="+since, header)
		if conn == nil {
			t.Errorf("since=%.20s is answered %s", since, response.Status)
			continue
		}
		frame := socket{t, conn}.frame()
		if text(frame, "reset.reason") == "" || len(frame) != 1 {
			t.Errorf("since=%.20s is answered %v", since, frame)
		}
	}
}

// garbage sees that what a client sends harms nobody but its own connection.
func garbage(t *testing.T, p platform, callers map[string]client) {
	c := newPlayer(t, p.url)
	staff := callers["S"].in(t)
	header := http.Header{"Authorization": {"Bearer " + c.token}}
	bystander := connect(c, "")
	for name, sent := range map[string][]byte{
		"a frame without a mask":     {0x81, 0x02, 'h', 'i'},
		"a kind that is none":        {0x8f, 0x80, 0, 0, 0, 0},
		"a reserved bit":             {0xf1, 0x80, 0, 0, 0, 0},
		"a control frame too long":   append([]byte{0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0}, make([]byte, 256)...),
		"a continuation of nothing":  {0x80, 0x80, 0, 0, 0, 0},
		"a frame of 2^62 bytes":      {0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"a fragmented control frame": {0x09, 0x80, 0, 0, 0, 0},
	} {
		conn, _ := dial(t, socketURL(p), header)
		if _, err := conn.NetConn().Write(sent); err != nil {
			t.Fatal(err)
		}
		_, _, err := conn.ReadMessage()
		if err == nil || strings.Contains(err.Error(), "timeout") {
			t.Errorf("%s: the connection is not closed: %v", name, err)
		}
	}
	talker, _ := dial(t, socketURL(p), header)
	for kind, message := range map[int]string{websocket.TextMessage: `{"hello":1}`, websocket.BinaryMessage: "\xff\xfe"} {
		if err := talker.WriteMessage(kind, []byte(message)); err != nil {
			t.Fatal(err)
		}
	}
	promotion := newPromotion(staff, "BONUS", "1.00").text("id")
	assign(staff, promotion, c)
	for name, s := range map[string]socket{"a bystander": bystander, "who talks": {t, talker}} {
		if frame := s.frame(); text(frame, "notification.content.id") != promotion {
			t.Errorf("%s is told %v", name, frame)
		}
	}
}
