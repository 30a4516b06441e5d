// Command licenses writes docs/third-party-licenses.md: the name, version and licence of every module that is linked into
// the programs. It reads the module cache.
//
//	go run ./tools/licenses
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// document is the path of the document, relative to the root of the repository.
const document = "docs/third-party-licenses.md"

func main() {
	text, err := render(context.Background(), ".")
	if err == nil {
		err = os.WriteFile(document, []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

// render returns the document for the repository at root.
func render(ctx context.Context, root string) (string, error) {
	const format = "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}"
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-f", format, "./cmd/loyalty", "./cmd/loyalty-dev")
	cmd.Dir = root
	// List the modules for one fixed platform, so that the document is the same on every machine.
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go list: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	slices.Sort(lines)
	var b strings.Builder
	b.WriteString("# Third-party licences\n\n<!-- Written by go run ./tools/licenses. -->\n\n" +
		"Modules that are linked into `loyalty` or `loyalty-dev`.\n\n| module | version | licence |\n|---|---|---|\n")
	var errs []error
	for _, line := range slices.Compact(lines) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue
		}
		name, err := licence(fields[0], fields[2])
		errs = append(errs, err)
		fmt.Fprintf(&b, "| %s | %s | %s |\n", fields[0], fields[1], name)
	}
	return b.String(), errors.Join(errs...)
}

// licence returns the SPDX identifier of the licence of the module in dir.
func licence(module, dir string) (string, error) {
	if strings.HasPrefix(module, "buf.build/gen/go/bufbuild/protovalidate/") {
		return "Apache-2.0", nil // generated from protovalidate and published without its licence file
	}
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "License*", "COPYING*"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // for example, a folder of licences
			}
			if name := identify(string(text)); name != "" {
				return name, nil
			}
		}
	}
	return "", fmt.Errorf("no known licence in %s", dir)
}

// identify returns the SPDX identifier of the first licence in text, or "public domain", which has no identifier. It returns
// an empty string if it finds no licence.
func identify(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	first, name := len(text), ""
	for _, l := range []struct{ phrase, name string }{
		{"Apache License Version 2.0", "Apache-2.0"},
		{"Licensed under the Apache License, Version 2.0", "Apache-2.0"},
		{"Mozilla Public License Version 2.0", "MPL-2.0"},
		{"Mozilla Public License, version 2.0", "MPL-2.0"},
		{"Permission is hereby granted, free of charge", "MIT"},
		{"Permission to use, copy, modify, and", "ISC"},
		{"Redistribution and use in source and binary forms", "BSD-2-Clause"},
		{"released into the public domain", "Unlicense"},
		{"CC0 1.0 Universal", "CC0-1.0"},
		{"public domain", "public domain"},
	} {
		if at := strings.Index(text, l.phrase); at >= 0 && at < first {
			first, name = at, l.name
		}
	}
	noEndorsement := strings.Contains(text, "Neither the name") || strings.Contains(text, "names of its contributors")
	if name == "BSD-2-Clause" && noEndorsement {
		name = "BSD-3-Clause"
	}
	return name
}
