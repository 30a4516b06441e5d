// Command thirdparty writes the third-party protobuf files that the schema imports to a folder, so that buf needs no
// registry. It prints each file from the descriptor in its generated Go package. The folder is not committed.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: thirdparty FOLDER")
		os.Exit(2)
	}
	for module, files := range map[string][]protoreflect.FileDescriptor{
		"googleapis": {
			annotations.File_google_api_annotations_proto,
			annotations.File_google_api_http_proto,
			annotations.File_google_api_field_behavior_proto,
		},
		"protovalidate": {validate.File_buf_validate_validate_proto},
	} {
		for _, file := range files {
			if err := write(filepath.Join(os.Args[1], module), file); err != nil {
				fmt.Fprintln(os.Stderr, "thirdparty:", err)
				os.Exit(1)
			}
		}
	}
}

func write(root string, file protoreflect.FileDescriptor) error {
	printer := protoprint.Printer{Compact: true}
	source, err := printer.PrintProtoToString(file)
	if err != nil {
		return fmt.Errorf("print %s: %w", file.Path(), err)
	}
	path := filepath.Join(root, filepath.FromSlash(file.Path()))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if old, err := os.ReadFile(path); err == nil && string(old) == source {
		return nil
	}
	return os.WriteFile(path, []byte(source), 0o644)
}
