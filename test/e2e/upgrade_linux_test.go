package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// repository is the root of the source tree.
const repository = "../.."

// lastRelease builds the program of the last release, and returns its path and the name of the release. Before the first
// release, it is the commit in .ci/schema-base. The path is empty without the history of the repository, as in a source
// archive. The test fails in CI then.
func lastRelease(t *testing.T) (program, name string) {
	t.Helper()
	if out, err := exec.Command("git", "-C", repository, "describe", "--tags", "--abbrev=0").Output(); err == nil {
		name = strings.TrimSpace(string(out))
	} else if base, err := os.ReadFile(filepath.Join(repository, ".ci", "schema-base")); err == nil {
		name = strings.TrimSpace(string(base))
	}
	folder := t.TempDir()
	archive := filepath.Join(folder, "source.tar")
	out, err := exec.Command("git", "-C", repository, "archive", "--output", archive, name).CombinedOutput()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the upgrade from the last release needs the history of the repository: git archive %s: %v\n%s", name, err, out)
		}
		return "", name
	}
	if out, err := exec.Command("tar", "-x", "-f", archive, "-C", folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program = filepath.Join(folder, "loyalty-last-release")
	args := []string{"build", "-buildvcs=false", "-o", program}
	if raceEnabled { // the compiled dependencies are cached
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "./cmd/loyalty")...)
	build.Dir = folder
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return program, name
}

// upgrade upgrades the platform as the runbook says: the new program migrates the databases while the old replicas run, and
// replaces one replica after the other. How sockets end depends on the last release; they resume in any case.
func upgrade(s *stack, from string) fault {
	return fault{name: fmt.Sprintf("upgrade from %.12s", from), graceful: true, inject: func(l *load) (time.Time, time.Time) {
		begin := time.Now()
		s.program = programs.loyalty
		s.migrate()
		s.createTopics()
		l.progress(1)
		for _, service := range services {
			for n := range hosts() {
				name := replica(service, n)
				s.stop(name)
				s.launch(name)
				s.awaitReplica(name)
			}
			l.progress(1)
		}
		s.forbidCreate()
		return begin, time.Now()
	}}
}
