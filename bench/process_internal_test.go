package main

import (
	"context"
	"errors"
	"math/bits"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSizeInBytes(t *testing.T) {
	t.Parallel()
	text := []byte("Name:\tx\nVmRSS:\t    2048 kB\nPss_Anon:           1 kB\nPss:           4 kB\n")
	for field, want := range map[string]float64{"VmRSS:": 2 << 20, "Pss:": 4096} {
		if got, err := sizeInBytes(text, field); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", field, got, err, want)
		}
	}
	if _, err := sizeInBytes(text, "VmSwap:"); err == nil {
		t.Error("a missing field gives no error")
	}
}

func TestCPUTimeCountsAllThreads(t *testing.T) {
	t.Parallel()
	cpu := func() time.Duration {
		used, err := cpuTime(os.Getpid())
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip("only Linux has a CPU clock for other processes")
		}
		if err != nil {
			t.Fatal(err)
		}
		return used
	}
	before := cpu()
	done := make(chan struct{})
	go func() { // on another thread, until its work has been counted
		defer close(done)
		for n := uint64(1); cpu() < before+20*time.Millisecond; n++ {
			_ = bits.OnesCount64(n)
		}
	}()
	<-done
	if got := cpu() - before; got < 20*time.Millisecond {
		t.Errorf("%s of CPU time", got)
	}
	if _, err := cpuTime(1<<22 + 1); err == nil {
		t.Error("a process with an impossible id has used CPU time")
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	calls := 0
	err := await(t.Context(), func() error {
		if calls++; calls < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || calls != 3 {
		t.Errorf("got %v after %d calls, want success after 3", err, calls)
	}
	broken := errors.New("broken")
	if err := await(t.Context(), func() error { return stopError{broken} }); !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v, want the error that ends the wait", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := await(ended, func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want the last error", err)
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	s := &scope{ctx: t.Context(), folder: t.TempDir(), log: t.Logf}
	var order []string
	for _, name := range []string{"first", "second"} {
		s.Cleanup(func() { order = append(order, name) })
	}
	if err := s.try(func() { _ = s.TempDir() }); err != nil || s.Failed() {
		t.Errorf("success returns %v", err)
	}
	err := s.try(func() {
		s.Fatalf("no server at %s", "port 1")
		order = append(order, "after Fatalf")
	})
	if err == nil || err.Error() != "no server at port 1" || !s.Failed() {
		t.Errorf("got %v, want the reported error", err)
	}
	s.close()
	if want := []string{"second", "first"}; !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
}

func TestVersionOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Redis server v=7.0.15 sha=0": "7.0.15", "nginx version: nginx/1.22.1": "1.22.1",
	} {
		if got, err := versionOf(t.Context(), "echo", text); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
	if got, err := versionOf(t.Context(), "echo", "no number"); err == nil {
		t.Errorf("got %q, want an error", got)
	}
}
