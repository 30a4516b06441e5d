package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"github.com/twmb/franz-go/pkg/kgo"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/authn"
)

type object = map[string]any

// call sends a request with a token and returns the status and the decoded body of the response.
func call(t *testing.T, method, url, token, body string) (int, object) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var decoded object
	if err := json.Unmarshal(text, &decoded); err != nil {
		t.Fatalf("status %d: %q: %v", response.StatusCode, text, err)
	}
	return response.StatusCode, decoded
}

// open opens a live connection.
func open(t *testing.T, url, token string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(),
		"ws"+strings.TrimPrefix(url, "http")+"/notifications/ws", http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(waitTimeout)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// frame returns the next frame of a connection.
func frame(t *testing.T, conn *websocket.Conn) object {
	t.Helper()
	var f object
	if err := conn.ReadJSON(&f); err != nil {
		t.Fatal(err)
	}
	return f
}

// publish publishes the event of an assignment of a promotion to the player.
func (w *world) publish(t *testing.T, player uuid.UUID, title string) {
	t.Helper()
	active := false
	e, err := notificationsv1event.NewNotificationEvent(uuid.New(), time.Now(), &notificationsv1.NotificationEvent{
		UserId: player.String(), EventType: notificationsv1.NotificationEventType_PROMOTION,
		Content: &promotionsv1.Promotion{
			Id: uuid.NewString(), Title: title, IsActive: &active, Type: promotionsv1.PromotionType_WELCOME_BONUS,
			Amount: "20.00", StartDate: "2025-01-01", EndDate: "2025-06-10",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.bus.Publish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// produce produces a Kafka record without headers.
func (w *world) produce(t *testing.T, key, value string) {
	t.Helper()
	producer, err := kgo.NewClient(kgo.SeedBrokers(w.brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	r := &kgo.Record{Topic: "notifications", Key: []byte(key), Value: []byte(value)}
	if err := producer.ProduceSync(t.Context(), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func TestNotification(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		first, second := w.start(t), w.start(t)
		player := uuid.New()
		token := w.login(t, player, authn.RolePlayer)
		sockets := []*websocket.Conn{open(t, first, token), open(t, second, token)}

		w.publish(t, player, "Welcome Bonus")
		var notification object
		for i, conn := range sockets {
			f := frame(t, conn)
			n, _ := f["notification"].(object)
			if n == nil || i > 0 && !reflect.DeepEqual(n, notification) {
				t.Fatalf("socket %d: got %v, want notification %v", i, f, notification)
			}
			notification = n
		}
		content, _ := notification["content"].(object)
		if content["title"] != "Welcome Bonus" || content["isActive"] != false || content["description"] != "" ||
			content["type"] != "WELCOME_BONUS" || content["amount"] != "20.00" ||
			notification["type"] != "promotion" || notification["read"] != false {
			t.Errorf("got %v, want the unread notification of the promotion", notification)
		}

		want := object{
			"user_id": player.String(), "notifications": []any{notification}, "unread": 1.0, "nextPageToken": "", "total": 1.0,
			"totalIsEstimate": false,
		}
		status, got := call(t, "GET", second+"/api/v1/notifications", token, "")
		if status != 200 || !reflect.DeepEqual(got, want) {
			t.Errorf("list: status %d, %v\nwant 200, %v", status, got, want)
		}

		body := fmt.Sprintf(`{"ids":[%q]}`, notification["id"])
		if status, got := call(t, "POST", first+"/api/v1/notifications/read", token, body); status != 200 ||
			!reflect.DeepEqual(got, object{"unread": 0.0}) {
			t.Errorf("mark as read: status %d, %v, want 200 and 0 unread", status, got)
		}
		read := object{"read": object{"ids": []any{notification["id"]}, "all": false, "unread": 0.0}}
		for i, conn := range sockets {
			if f := frame(t, conn); !reflect.DeepEqual(f, read) {
				t.Errorf("socket %d got %v, want %v", i, f, read)
			}
		}
		if _, got := call(t, "GET", first+"/api/v1/notifications?unread=true", token, ""); got["total"] != 0.0 {
			t.Errorf("list of unread notifications: got %v, want an empty list", got)
		}
	})
}

// A record without headers contains the event as JSON. Its content is sent unchanged, including unknown members.
func TestRecordWithoutHeaders(t *testing.T) {
	w := mongoWorld(t)
	url := w.start(t)
	player := uuid.New()
	token := w.login(t, player, authn.RolePlayer)
	conn := open(t, url, token)
	content := `{"id":"5bcc490a-7645-420a-b8f8-16dcaeafe32c","title":"Welcome Bonus",
		"description":"Get a welcome bonus on registration","isActive":true,"type":"WELCOME_BONUS","amount":"20.00",
		"startDate":"2025-01-01","endDate":"2025-06-10","extra":{"level":3}}`
	w.produce(t, player.String(), fmt.Sprintf(
		`{"topic":"notifications","user_id":%q,"eventType":"PROMOTION","content":%s}`, player, content))
	var want object
	if err := json.Unmarshal([]byte(content), &want); err != nil {
		t.Fatal(err)
	}
	n, _ := frame(t, conn)["notification"].(object)
	if !reflect.DeepEqual(n["content"], want) {
		t.Errorf("got content %v, want %v", n["content"], want)
	}
}

func TestInvalidRecordsBecomeDeadLetters(t *testing.T) {
	w := mongoWorld(t)
	url := w.start(t)
	player := uuid.New()
	conn := open(t, url, w.login(t, player, authn.RolePlayer))
	invalid := []string{
		`{`, `[]`, `{"user_id":12345,"eventType":"PROMOTION","content":{"title":"x"}}`,
		fmt.Sprintf(`{"user_id":%q,"eventType":"OTHER","content":{"title":"x"}}`, player),
		fmt.Sprintf(`{"user_id":%q,"eventType":99,"content":{"title":"x"}}`, player),
		fmt.Sprintf(`{"user_id":%q,"eventType":"PROMOTION"}`, player),
		fmt.Sprintf(`{"user_id":%q,"eventType":"PROMOTION","content":{"title":"x\u0000"}}`, player),
	}
	for _, value := range invalid {
		w.produce(t, player.String(), value)
	}
	w.publish(t, player, "after the invalid records")
	n, _ := frame(t, conn)["notification"].(object)
	if content, _ := n["content"].(object); content["title"] != "after the invalid records" {
		t.Errorf("got %v, want the notification after the invalid records", n)
	}
	if depth, err := w.bus.Depth(t.Context(), "notifications"); err != nil || depth != int64(len(invalid)) {
		t.Errorf("got %d dead letters, %v, want %d", depth, err, len(invalid))
	}
}

func TestPages(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		url := w.start(t)
		player := uuid.New()
		token := w.login(t, player, authn.RolePlayer)
		conn := open(t, url, token)
		for i := range 5 {
			w.publish(t, player, strconv.Itoa(i))
			frame(t, conn)
		}
		var titles []string
		for query := "?page_size=2"; query != ""; {
			_, page := call(t, "GET", url+"/api/v1/notifications"+query, token, "")
			if page["total"] != 5.0 || page["unread"] != 5.0 {
				t.Fatalf("page %s: got %v, want 5 in total and 5 unread", query, page)
			}
			list, _ := page["notifications"].([]any)
			for _, n := range list {
				titles = append(titles, n.(object)["content"].(object)["title"].(string))
			}
			query = ""
			if next := page["nextPageToken"].(string); next != "" {
				query = "?page_size=2&page_token=" + next
			}
		}
		if want := []string{"4", "3", "2", "1", "0"}; !reflect.DeepEqual(titles, want) {
			t.Errorf("the pages contain the titles %v, want %v", titles, want)
		}
		status, got := call(t, "POST", url+"/api/v1/notifications/read", token, `{"all":true}`)
		if status != 200 || got["unread"] != 0.0 {
			t.Errorf("mark all as read: status %d, %v, want 200 and 0 unread", status, got)
		}
		for query, total := range map[string]float64{"?unread=true": 0, "?unread=false": 5, "": 5} {
			_, got := call(t, "GET", url+"/api/v1/notifications"+query, token, "")
			if got["total"] != total || got["unread"] != 0.0 {
				t.Errorf("list %q: got %v, want %v in total and 0 unread", query, got, total)
			}
		}
	})
}

func TestRefusedRequests(t *testing.T) {
	w := mongoWorld(t)
	url := w.start(t) + "/api/v1/notifications"
	player := w.login(t, uuid.New(), authn.RolePlayer)
	staff := w.login(t, uuid.New(), authn.RoleStaff)
	many := `{"ids":["` + strings.Repeat(uuid.NewString()+`","`, 1000) + uuid.NewString() + `"]}`
	both := `{"all":true,"ids":["` + uuid.NewString() + `"]}`
	_, page := call(t, "GET", url+"?unread=true", player, "")
	if page["total"] != 0.0 || page["notifications"] == nil {
		t.Errorf("list of a player without notifications: got %v, want an empty list", page)
	}
	for name, tt := range map[string]struct {
		method, url, token, body string
		status                   int
		code                     string
	}{
		"list as staff":       {"GET", url, staff, "", 403, "FORBIDDEN"},
		"mark as staff":       {"POST", url + "/read", staff, `{"all":true}`, 403, "FORBIDDEN"},
		"no token":            {"GET", url, "", "", 401, "TOKEN_MISSING"},
		"unknown parameter":   {"GET", url + "?user_id=" + uuid.NewString(), player, "", 400, "VALIDATION_FAILED"},
		"invalid filter":      {"GET", url + "?unread=maybe", player, "", 400, "VALIDATION_FAILED"},
		"invalid page token":  {"GET", url + "?page_token=x", player, "", 400, "VALIDATION_FAILED"},
		"negative page size":  {"GET", url + "?page_size=-1", player, "", 400, "VALIDATION_FAILED"},
		"neither ids nor all": {"POST", url + "/read", player, `{}`, 400, "VALIDATION_FAILED"},
		"ids and all":         {"POST", url + "/read", player, both, 400, "VALIDATION_FAILED"},
		"malformed id":        {"POST", url + "/read", player, `{"ids":["1"]}`, 400, "VALIDATION_FAILED"},
		"too many ids":        {"POST", url + "/read", player, many, 400, "VALIDATION_FAILED"},
		"unknown member":      {"POST", url + "/read", player, `{"all":true,"user_id":"x"}`, 400, "VALIDATION_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			if status, got := call(t, tt.method, tt.url, tt.token, tt.body); status != tt.status || got["code"] != tt.code {
				t.Errorf("status %d, %v, want %d %s", status, got, tt.status, tt.code)
			}
		})
	}
}
