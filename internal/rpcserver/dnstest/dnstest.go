// Package dnstest runs a DNS server in tests.
package dnstest

import (
	"net"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Server is a DNS server that answers every query for an A record with the current hosts.
type Server struct {
	// Address is the host:port of the server.
	Address string

	mu    sync.Mutex
	hosts []string
}

// Start runs a server without hosts until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Address: conn.LocalAddr().String()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return // closed
			}
			var query dnsmessage.Message
			if query.Unpack(buffer[:n]) != nil || len(query.Questions) != 1 {
				continue
			}
			if answer, err := s.answer(query); err == nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return s
}

// Set replaces the hosts, which are IPv4 addresses.
func (s *Server) Set(hosts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts = hosts
}

func (s *Server) answer(query dnsmessage.Message) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	query.Response, query.Authoritative, query.Additionals = true, true, nil
	if q := query.Questions[0]; q.Type == dnsmessage.TypeA {
		for _, host := range s.hosts {
			a := dnsmessage.AResource{A: [4]byte(net.ParseIP(host).To4())}
			header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
			query.Answers = append(query.Answers, dnsmessage.Resource{Header: header, Body: &a})
		}
	}
	return query.Pack()
}
