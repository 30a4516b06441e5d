package sdk_test

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGoPackage runs the example of the Go SDK in a new module, which requires the SDK from a module proxy. TestPythonExample
// does the same with the wheel.
func TestGoPackage(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	folder := t.TempDir()
	proxy := goProxy(t)
	run(t, folder, proxy, "go", "mod", "init", "example.com/client")
	source, err := os.ReadFile("../../sdk/go/examples/scenarios/main.go")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "main.go"), string(source))
	run(t, folder, proxy, "go", "get", sdkModule+"@"+sdkVersion)
	out := run(t, folder, proxy, "go", "run", ".", "-url", p.url(), "-admin-email", adminEmail, "-admin-password", adminPassword)
	t.Logf("%s", out)
	modules := run(t, folder, proxy, "go", "list", "-m", "all")
	if n := strings.Count(string(modules), "\n"); n > 4 { // the program, Go, the SDK and its only dependency
		t.Errorf("the SDK adds %d modules:\n%s", n, modules)
	}
}

const (
	sdkModule  = "github.com/casino-loyalty/loyalty/sdk/go"
	sdkVersion = "v0.1.0"
)

// goProxy publishes the Go SDK on a module proxy of files. It returns the environment of commands that use it.
func goProxy(t *testing.T) []string {
	t.Helper()
	folder := t.TempDir()
	versions := filepath.Join(folder, sdkModule, "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../../sdk/go/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(versions, sdkVersion+".mod"), string(mod))
	write(t, filepath.Join(versions, sdkVersion+".info"), fmt.Sprintf(`{"Version": %q}`, sdkVersion))
	archive, err := os.Create(filepath.Join(versions, sdkVersion+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	w := zip.NewWriter(archive)
	source := os.DirFS("../../sdk/go")
	err = fs.WalkDir(source, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		file, err := w.Create(sdkModule + "@" + sdkVersion + "/" + name)
		if err != nil {
			return err
		}
		_, err = file.Write(content)
		return err
	})
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	env := func(name string) string { return strings.TrimSpace(string(run(t, ".", nil, "go", "env", name))) }
	return []string{
		// Another cache, because the version contains something else in each test. Its files can be removed.
		"GOMODCACHE=" + t.TempDir(), "GOFLAGS=-modcacherw -mod=mod",
		"GOPROXY=file://" + folder + ",file://" + env("GOMODCACHE") + "/cache/download," + env("GOPROXY"), "GONOSUMDB=*",
	}
}

// TestTypeScriptPackage packs the TypeScript SDK, installs the package in a new folder, compiles the examples of its README there,
// and plays the scenarios.
func TestTypeScriptPackage(t *testing.T) {
	t.Parallel()
	p := startPlatform(t)
	compileTypeScript(t)
	folder := t.TempDir()
	sdk, err := filepath.Abs(typescriptFolder)
	if err != nil {
		t.Fatal(err)
	}
	// The package was built; another build would remove files that other tests use.
	run(t, sdk, nil, "npm", "pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", folder)
	packages, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("npm pack made %v, %v", packages, err)
	}
	write(t, filepath.Join(folder, "package.json"), `{"type": "module", "private": true}`)
	install := []string{"install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"}
	run(t, folder, nil, "npm", append(install, packages[0])...)
	installed, err := os.ReadDir(filepath.Join(folder, "node_modules"))
	if err != nil || len(installed) != 2 || installed[1].Name() != "@casino-loyalty" { // and .package-lock.json
		t.Errorf("the package installs %v, %v, want no dependencies", installed, err)
	}
	for _, name := range []string{"readme", "examples/scenarios"} {
		if err := os.CopyFS(filepath.Join(folder, name), os.DirFS(filepath.Join(sdk, "build", name))); err != nil {
			t.Fatal(err)
		}
	}
	run(t, folder, nil, "sh", "-c", sdk+"/node_modules/.bin/tsc --noEmit --strict --target es2022 --module nodenext readme/*.ts")
	run(t, folder, nil, "npm", append(install, "ws@8")...) // as the README says for old versions of Node.js
	out := run(t, folder, nil, "node", "examples/scenarios/main.js", "--url", p.url(), "--email", adminEmail,
		"--password", adminPassword)
	t.Logf("%s", out)
}

// run runs a program in a folder and returns its output.
func run(t *testing.T, folder string, environment []string, name string, arguments ...string) []byte {
	t.Helper()
	cmd := command(t, name, arguments...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.Output()
	if err != nil {
		var failure []byte
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Output returns it unwrapped
			failure = exit.Stderr
		}
		t.Fatalf("%s: %v\n%s\n%s", cmd, err, out, failure)
	}
	return out
}
