// Dashboards writes the Grafana dashboards of the platform as JSON files, which Grafana loads at its start:
//
//	dashboards FOLDER
//
// Each dashboard has a file here. Run "make dashboards" after a change.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dashboards FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

// write replaces the JSON files of a folder with the dashboards, and prints their names.
func write(folder string, out io.Writer) error {
	old, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return err
	}
	for _, name := range old {
		err = errors.Join(err, os.Remove(name))
	}
	if err != nil {
		return err
	}
	for _, b := range []board{overview(), services(), events(), live()} {
		built, err := b.build()
		if err != nil {
			return fmt.Errorf("dashboard %s: %w", b.name, err)
		}
		encoded, err := json.MarshalIndent(built, "", "  ")
		if err != nil {
			return fmt.Errorf("dashboard %s: %w", b.name, err)
		}
		name := filepath.Join(folder, b.name+".json")
		if err := os.WriteFile(name, append(encoded, '\n'), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(out, name)
	}
	return nil
}
