// Command minimal is a minimal WebSocket server, the limit of the rows about live connections. It accepts every connection,
// reads from it in the goroutine of the handler, and only writes the frames that the bench program posts:
//
//	GET  /notifications/ws  opens a connection
//	POST /frames?each=N     writes the body N times to every connection
//	GET  /health            answers 200
//	GET  /debug/pprof/      profiles of the Go runtime
package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "`address` of the server")
	flag.Parse()
	s := &server{connections: map[*websocket.Conn]struct{}{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notifications/ws", s.accept)
	mux.HandleFunc("POST /frames", s.write)
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	server := http.Server{Addr: *listen, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintln(os.Stderr, "minimal:", server.ListenAndServe())
	os.Exit(1)
}

type server struct {
	upgrader websocket.Upgrader

	mu          sync.Mutex
	connections map[*websocket.Conn]struct{}
}

// accept upgrades the connection and reads until it ends.
func (s *server) accept(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock() // during the upgrade, so that a client that has its answer also receives the next frame
	conn, err := s.upgrader.Upgrade(w, r, nil)
	if err == nil {
		s.connections[conn] = struct{}{}
	}
	s.mu.Unlock()
	if err != nil {
		return // the upgrader has answered
	}
	defer conn.Close()
	for err == nil {
		_, _, err = conn.NextReader()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.connections, conn)
}

func (s *server) write(w http.ResponseWriter, r *http.Request) {
	frame, err := io.ReadAll(r.Body)
	each, invalid := strconv.Atoi(r.URL.Query().Get("each"))
	if err != nil || invalid != nil {
		http.Error(w, "the body or the parameter each is malformed", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for range each {
		for conn := range s.connections {
			if err := conn.WriteMessage(websocket.TextMessage, frame); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
	}
}
