package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// scope implements testing.TB for packages that start servers for tests, such as kafkacluster and testproc. The servers stop
// when the scope closes.
type scope struct {
	testing.TB // nil; provides the methods that those packages do not call

	ctx    context.Context
	folder string
	log    func(format string, args ...any)

	mu       sync.Mutex
	cleanups []func()
	errs     []error
}

// try calls fn and returns the errors that fn has reported with methods such as Fatal.
func (s *scope) try(fn func()) error {
	done := make(chan struct{})
	go func() { // FailNow ends this goroutine
		defer close(done)
		fn()
	}()
	<-done
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.errs...)
}

// close calls the cleanups in reverse order.
func (s *scope) close() {
	s.mu.Lock()
	cleanups := s.cleanups
	s.cleanups = nil
	s.mu.Unlock()
	for _, fn := range slices.Backward(cleanups) {
		fn()
	}
}

// Helper implements testing.TB.
func (s *scope) Helper() {}

// Context implements testing.TB.
func (s *scope) Context() context.Context { return s.ctx }

// Cleanup implements testing.TB.
func (s *scope) Cleanup(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanups = append(s.cleanups, fn)
}

// TempDir implements testing.TB.
func (s *scope) TempDir() string {
	folder, err := os.MkdirTemp(s.folder, "server-")
	if err != nil {
		s.Fatal(err)
	}
	return folder
}

// Logf implements testing.TB.
func (s *scope) Logf(format string, args ...any) { s.log(format, args...) }

// Errorf implements testing.TB.
func (s *scope) Errorf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs = append(s.errs, fmt.Errorf(format, args...))
}

// Failed implements testing.TB.
func (s *scope) Failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.errs) > 0
}

// FailNow implements testing.TB.
func (s *scope) FailNow() { runtime.Goexit() }

// Fatal implements testing.TB.
func (s *scope) Fatal(args ...any) {
	s.Errorf("%s", fmt.Sprint(args...))
	s.FailNow()
}

// Fatalf implements testing.TB.
func (s *scope) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	s.FailNow()
}

// Skipf implements testing.TB. A row needs its servers, so it fails.
func (s *scope) Skipf(format string, args ...any) { s.Fatalf(format, args...) }
