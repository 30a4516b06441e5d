package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

func TestThirdPartyLicencesAreUpToDate(t *testing.T) {
	t.Parallel()
	want, err := render(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(got)) {
		if strings.TrimSpace(line) != "" {
			known[line] = true
		}
	}
	for line := range strings.Lines(want) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if !known[line] {
			t.Errorf("%s lacks: %s", document, line)
		}
		delete(known, line)
	}
	for line := range known {
		t.Errorf("%s has an outdated line: %s", document, line)
	}
	if t.Failed() {
		t.Log("run: go run ./tools/licenses")
	}
}

func TestDirectDependenciesAreDocumented(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = root
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(output, &mod); err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	text, err := os.ReadFile(filepath.Join(root, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) > 2 && strings.Contains(cells[1], "`") {
			documented[strings.Trim(cells[1], " `")] = true
		}
	}
	if len(mod.Require) == 0 || len(documented) == 0 {
		t.Fatalf("go.mod requires %d modules, docs/dependencies.md lists %d, want both above 0", len(mod.Require), len(documented))
	}
	for _, r := range mod.Require {
		if !r.Indirect && !documented[r.Path] {
			t.Errorf("docs/dependencies.md does not list %s", r.Path)
		}
		if !r.Indirect {
			delete(documented, r.Path)
		}
	}
	for path := range documented {
		t.Errorf("docs/dependencies.md lists %s, which is not a direct dependency", path)
	}
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"                 Apache License\n           Version 2.0, January 2004":                              "Apache-2.0",
		"MIT License\n\nPermission is hereby granted, free of charge, to any person":                         "MIT",
		"Redistribution and use in source and binary forms ... Neither the name of the copyright holder nor": "BSD-3-Clause",
		"Redistribution and use in source and binary forms, with or without modification":                    "BSD-2-Clause",
		"Permission to use, copy, modify, and/or distribute this software for any purpose":                   "ISC",
		"Mozilla Public License Version 2.0":                                                                 "MPL-2.0",
		"All rights reserved.":                                                                               "",
	} {
		if got := identify(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
