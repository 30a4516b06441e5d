package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

func TestMinimalServerWritesEachFrameToAllSockets(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "minimal")
	if out, err := exec.Command("go", "build", "-o", program, "./minimal").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	env := &Env{folder: t.TempDir(), progress: t.Logf, programs: programs{minimal: program}}
	p, err := env.startMinimal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	frames := make(chan string, 3*fanOutBurst+1)
	s, err := openSockets(t.Context(), p.url, 3, noToken, func(_ int, frame []byte) { frames <- string(frame) })
	if err != nil {
		t.Fatal(err)
	}
	if err := writeBurst(t.Context(), p, []byte("a frame")); err != nil {
		t.Fatal(err)
	}
	for range 3 * fanOutBurst {
		if got := <-frames; got != "a frame" {
			t.Errorf("got %q", got)
		}
	}
	if memory, err := p.pss(); err != nil || memory <= 0 {
		t.Errorf("the process has %v bytes, %v", memory, err)
	}
	s.close()
	if len(frames) > 0 || s.lost.Load() > 0 {
		t.Errorf("%d frames too many, %d sockets lost", len(frames), s.lost.Load())
	}
}
