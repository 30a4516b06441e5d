package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

var notInFileNames = regexp.MustCompile(`[^a-z0-9]+`)

// profile measures the platform for d once more, without recording the values. It writes a CPU profile of this process and
// of each service process, and a heap profile of each service process.
func (e *Env) profile(ctx context.Context, row Row, pair *Pair, d time.Duration) error {
	if err := os.MkdirAll(e.profiles, 0o755); err != nil {
		return err
	}
	path := func(process, kind string) string {
		name := strings.Trim(notInFileNames.ReplaceAllString(strings.ToLower(row.Name), "-"), "-")
		return filepath.Join(e.profiles, fmt.Sprintf("%s.%s.%s.pprof", name, process, kind))
	}
	own, err := os.Create(path("bench", "cpu"))
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(own); err != nil {
		return errors.Join(err, own.Close())
	}
	g := &errgroup.Group{}
	for _, p := range e.profiled() {
		g.Go(func() error {
			seconds := max(1, int(d.Seconds()))
			return save(fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", p.diagnostics, seconds), path(p.name, "cpu"))
		})
	}
	_, err = pair.Ours(ctx, d)
	pprof.StopCPUProfile()
	if failed := g.Wait(); failed != nil { // the row has restarted the process
		e.progress("  no CPU profile: %v", failed)
	}
	for _, p := range e.profiled() {
		err = errors.Join(err, save(p.diagnostics+"/debug/pprof/heap?gc=1", path(p.name, "heap")))
	}
	e.progress("  profiles: %s", path("PROCESS", "cpu"))
	return errors.Join(err, own.Close())
}

// profiled returns the running service processes.
func (e *Env) profiled() []*process {
	if e.running == nil {
		return nil
	}
	var list []*process
	for _, p := range e.running.processes {
		list = append(list, p)
	}
	return list
}

// save writes the body of a response to a file.
func save(url, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(get(url, f), f.Close())
}
