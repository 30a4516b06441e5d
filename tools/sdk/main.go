// Command sdk writes the generated part of the SDKs from the OpenAPI documents: sdk/api.json, which describes all
// operations, types and error codes independent of a language, and the generated code of each SDK.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: sdk OPENAPI_FOLDER SDK_FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "sdk:", err)
		os.Exit(1)
	}
}

func run(documents, sdk string) error {
	a, err := load(os.DirFS(documents))
	if err != nil {
		return err
	}
	files, err := generate(a)
	if err != nil {
		return err
	}
	for name, data := range files {
		path := filepath.Join(sdk, filepath.FromSlash(name))
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
			continue
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the generated files by path.
func generate(a api) (map[string][]byte, error) {
	var description bytes.Buffer
	encoder := json.NewEncoder(&description)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(a); err != nil {
		return nil, err
	}
	files := map[string][]byte{"api.json": description.Bytes()}
	for _, language := range []func(api) (map[string][]byte, error){goFiles, typescriptFiles, pythonFiles} {
		generated, err := language(a)
		if err != nil {
			return nil, err
		}
		maps.Copy(files, generated)
	}
	return files, nil
}
