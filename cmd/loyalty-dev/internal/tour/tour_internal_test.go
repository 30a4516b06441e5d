package tour

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

func TestHealthNamesTheServerThatAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    []string
	}{
		"proxy without /health": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Server", "nginx/1.29")
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusNotFound)
		}, []string{"no platform at http://", "/health answered 404 Not Found (Content-Type: text/html, Server: nginx/1.29)", "--addr"}},
		"single-page application": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<!doctype html><title>Shop</title>"))
		}, []string{"no platform at http://", "200 OK (Content-Type: text/html; charset=utf-8)"}},
		"JSON of another service": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"status":"UP"}`))
		}, []string{"no platform at http://", "200 OK (Content-Type: application/json)"}},
		"login required": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
			[]string{"no platform at http://", "401 Unauthorized"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			err := Play(t.Context(), Options{URL: server.URL}, new(bytes.Buffer))
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
		})
	}
}

func TestHealthOfAServerWithoutHTTP(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = conn.Write([]byte("SSH-2.0-OpenSSH_9.9\r\n"))
			_ = conn.Close()
		}
	}()
	err = Play(t.Context(), Options{URL: "http://" + listener.Addr().String()}, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "no platform at http://"+listener.Addr().String()) {
		t.Errorf("got %v, want an error that names the address", err)
	}
}

func TestHealthWaitsForAPlatformThatStarts(t *testing.T) {
	t.Parallel()
	answers := []struct {
		status int
		body   string
	}{
		{http.StatusBadGateway, "<html>"},
		{http.StatusServiceUnavailable, `{"status":503,"code":"DEPENDENCY_UNAVAILABLE","detail":"users: unavailable"}`},
		{http.StatusOK, `{"status":"ok","services":{"users":"ok"}}`},
	}
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(answers[requests].status)
		_, _ = w.Write([]byte(answers[requests].body))
		requests++
	}))
	defer server.Close()
	g := &guide{url: server.URL, client: server.Client()}
	if err := g.awaitHealth(t.Context()); err != nil || requests != len(answers) {
		t.Errorf("awaitHealth = %v after %d requests, want nil after %d", err, requests, len(answers))
	}
}

// TestFramesArePrintedByTheStepThatAwaitsThem sends a frame during an earlier step. The tour must print it under the step
// that waits for it.
func TestFramesArePrintedByTheStepThatAwaitsThem(t *testing.T) {
	t.Parallel()
	sent := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for _, id := range []string{"other", "gift"} {
			if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"notification":{"id":"n","content":{"id":"`+id+`"}}}`)); err != nil {
				t.Error(err)
			}
		}
		close(sent)
		_, _, _ = conn.ReadMessage() // until the client closes
	}))
	defer server.Close()
	var out bytes.Buffer
	g := &guide{printer: &printer{out: &out}, url: server.URL, client: server.Client(), anna: &person{}}
	defer g.closeSockets()
	g.step("open")
	if err := g.openSocket(t.Context(), "phone"); err != nil {
		t.Fatal(err)
	}
	g.step("assign")
	<-sent
	g.step("receive")
	if _, err := g.sockets[0].await(t.Context(), "the gift", notifies(promotion{ID: "gift"})); err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(out.String(), "3. receive\n")
	if strings.Count(out.String(), "<= frame on phone") != 1 || !strings.Contains(last, `"id": "gift"`) {
		t.Errorf("the frame is not under step 3 alone:\n%s", out.String())
	}
}
